import { assertEquals, assertThrows } from "@std/assert";
import type { Datapath } from "../../src/datapath/datapath.ts";
import { readThreadsWasm } from "../../src/datapath/emulator_file.ts";
import { EmulatorPool } from "../../src/datapath/emulator_pool.ts";
import { CT_ENTRY_SIZE, EVENT_SIZE } from "../../src/datapath/layout.ts";
import { batch, emulator, memory } from "./_emulator.ts";
import { seeded } from "./_map_state.ts";
import { hostileState, hostileTraffic, randomOf } from "./_traffic.ts";

const module = new WebAssembly.Module(await readThreadsWasm());

/** Records of one size as text, sorted: workers keep no common order. */
function sorted(size: number, ...columns: Uint8Array[]): string[] {
  const count = (columns[0]?.length ?? 0) / size;
  return Array.from({ length: count }, (_, i) =>
    columns.map((bytes) => {
      const width = bytes.length / count;
      return bytes.subarray(i * width, (i + 1) * width).join();
    }).join(": ")).sort();
}

function shownBy(datapath: Datapath) {
  const { keys4, values4, keys6, values6 } = datapath.conntrack();
  const { keys, values } = datapath.accounting();
  const { bytes, lost } = datapath.drainEvents();
  return {
    events: sorted(EVENT_SIZE, bytes),
    lost,
    metrics: [...datapath.metrics()],
    accounting: sorted(16, keys, values),
    flows4: sorted(CT_ENTRY_SIZE, values4, keys4),
    flows6: sorted(CT_ENTRY_SIZE, values6, keys6),
  };
}

for (const workers of [1, 2, 3]) {
  Deno.test(`EmulatorPool of ${workers} leaves what one emulator leaves`, async () => {
    using pool = await EmulatorPool.create(module, { workers });
    const input = pool.memory.packetBatch(4096);
    const output = pool.memory.packetBatch(4096);
    const { seed } = seeded(1);
    const random = randomOf(seed);
    for (let round = 0; round < 4; round++) {
      // Each worker holds back events on its own.
      const state = { ...hostileState(random), eventInterval: 0 };
      pool.load(state);
      emulator.load(state);
      batch.clear();
      input.clear();
      for (const packet of hostileTraffic(random, 4096)) {
        batch.add(packet);
        input.add(packet);
      }
      emulator.run(batch, batch);
      pool.run(input, output);
      const [ours, its] = [memory.bytes(batch.pointer, batch.bytes.length), output.bytes];
      const at = ours.findIndex((byte, i) => byte !== its[i]);
      assertEquals(at, -1, `packet ${at >> 8} of round ${round}, seed ${seed}`);
      assertEquals(shownBy(pool), shownBy(emulator), `round ${round}, seed ${seed}`);
    }
  });
}

Deno.test("EmulatorPool refuses what it has no room for", async () => {
  using pool = await EmulatorPool.create(module, { workers: 1 });
  const [large, small] = [pool.memory.packetBatch(2), pool.memory.packetBatch(1)];
  for (let i = 0; i < 2; i++) {
    large.add({ endpoint: 1, hook: "to_container", data: new Uint8Array(60) });
  }
  assertThrows(() => pool.run(large, small), RangeError, "output has room for 1");
  assertThrows(() => pool.begin(1, large), RangeError, 'worker "1": no such worker');
});
