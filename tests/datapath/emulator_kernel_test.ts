import { assertEquals } from "@std/assert";
import type { Datapath } from "../../src/datapath/datapath.ts";
import { KernelDatapath } from "../../src/datapath/kernel.ts";
import { CT_ENTRY_SIZE } from "../../src/datapath/layout.ts";
import { LpmDatapath } from "../../src/datapath/lpm_datapath.ts";
import { kernelTest } from "../ebpf-ts-loader/kernel.ts";
import { batch, emulator, memory, reasonsIn, SECOND } from "./_emulator.ts";
import { seeded } from "./_map_state.ts";
import { CLIENT, NODE } from "./_node.ts";
import { ROWS } from "./_packet_rows.ts";
import { hostileState, hostileTraffic, type Random, randomOf } from "./_traffic.ts";

/** Flows as text, sorted: tables have no order. */
function flowsOf(keys: Uint8Array, values: Uint8Array, keySize: number): string[] {
  return Array.from({ length: keys.length / keySize }, (_, i) => {
    const key = keys.subarray(i * keySize, (i + 1) * keySize);
    return `${key}: ${values.subarray(i * CT_ENTRY_SIZE, (i + 1) * CT_ENTRY_SIZE)}`;
  }).sort();
}

/** Counters of policy entries as text, sorted. */
function countersOf(datapath: Datapath): string[] {
  const { keys, values } = datapath.accounting();
  return Array.from({ length: keys.length / 16 }, (_, i) => {
    const [key, value] = [keys, values].map((bytes) => bytes.subarray(i * 16, (i + 1) * 16));
    return `${key}: ${value}`;
  }).sort();
}

/** Everything that a datapath shows after a run. */
function shownBy(datapath: Datapath) {
  const { keys4, values4, keys6, values6 } = datapath.conntrack();
  return {
    events: datapath.drainEvents(),
    metrics: [...datapath.metrics()],
    flows4: flowsOf(keys4, values4, 16),
    accounting: countersOf(datapath),
    flows6: flowsOf(keys6, values6, 40),
  };
}

kernelTest("KernelDatapath: every row of the packet table", async () => {
  using kernel = new KernelDatapath(memory);
  const output = memory.packetBatch(1);
  await kernel.load(NODE);
  for (const { description, packet, fields, out, packetOut, events } of ROWS) {
    const data = packet instanceof Uint8Array ? packet : packet.build();
    kernel.clearConntrack();
    batch.clear();
    batch.add({ endpoint: CLIENT, hook: "from_container", data, now: SECOND, ...fields });
    kernel.run(batch, output);
    assertEquals(output.output(0), { ...out, data: packetOut ?? data }, description);
    assertEquals(reasonsIn(kernel.drainEvents().bytes), events, description);
  }
});

for (
  const { name, make } of [
    { name: "kernel", make: () => new KernelDatapath(memory) },
    { name: "LPM twin", make: () => new LpmDatapath(memory) },
  ]
) {
  kernelTest(`Emulator and ${name} leave the same bytes after hostile traffic`, async () => {
    using kernel = make();
    const { seed } = seeded(1);
    const random: Random = randomOf(seed);
    const fromKernel = memory.packetBatch();
    const fromEmulator = memory.packetBatch();
    for (let round = 0; round < 4; round++) {
      const state = hostileState(random);
      await kernel.load(state);
      emulator.load(state);
      batch.clear();
      for (const packet of hostileTraffic(random, 4096)) batch.add(packet);
      kernel.run(batch, fromKernel);
      emulator.run(batch, fromEmulator);
      const bytes = fromKernel.bytes.length;
      const { exports } = memory.wasm;
      const same = exports.firstDifference(fromKernel.pointer, fromEmulator.pointer, bytes) >>> 0;
      assertEquals(same, bytes, `packet ${same >> 8} of round ${round}, seed ${seed}`);
      assertEquals(shownBy(emulator), shownBy(kernel));
    }
  });
}
