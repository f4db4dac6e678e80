import { assertEquals } from "@std/assert";
import { Emulator } from "../../src/datapath/emulator.ts";
import { batch, emulator, memory } from "./_emulator.ts";
import { seeded } from "./_map_state.ts";
import { newMemory } from "./_memory.ts";
import { hostileState, hostileTraffic, randomOf } from "./_traffic.ts";

/** Of another instance, which never knows a packet before the one in front of it has run. */
const its = newMemory();
const alone = new Emulator(its);
const single = its.packetBatch(1);

/** All that packets leave behind. */
function left(by: Emulator) {
  return {
    flows: by.conntrack(),
    accounting: by.accounting(),
    events: by.drainEvents(),
    metrics: by.metrics(),
  };
}

for (const count of [1, 63, 64, 65, 2000]) {
  Deno.test(`Emulator: ${count} packets in a batch are what they are one at a time`, () => {
    const { seed } = seeded(1);
    const random = randomOf(seed);
    for (let round = 0; round < 4; round++) {
      const state = hostileState(random);
      emulator.load(state);
      alone.load(state);
      const packets = [...hostileTraffic(random, count)];
      batch.clear();
      for (const packet of packets) batch.add(packet);
      emulator.run(batch, batch);
      for (const [i, packet] of packets.entries()) {
        single.clear();
        single.add(packet);
        alone.run(single, single);
        assertEquals(batch.output(i), single.output(0), `packet ${i}, seed ${seed}`);
      }
      assertEquals(left(emulator), left(alone), `round ${round}, seed ${seed}`);
    }
  });
}

Deno.test("Emulator: a batch leaves the same in another batch as in place", () => {
  const { seed } = seeded(1);
  const random = randomOf(seed);
  const output = memory.packetBatch(300);
  const state = hostileState(random);
  const packets = [...hostileTraffic(random, 300)];
  const fill = () => {
    emulator.load(state);
    batch.clear();
    for (const packet of packets) batch.add(packet);
  };
  fill();
  emulator.run(batch, output);
  const elsewhere = packets.map((_, i) => output.output(i));
  fill();
  emulator.run(batch, batch);
  assertEquals(packets.map((_, i) => batch.output(i)), elsewhere, `seed ${seed}`);
});
