import { assertEquals } from "@std/assert";
import { MAX_CONNTRACK_SEEN_BY_TESTS, MAX_FRAGMENTS } from "../../src/datapath/layout.ts";
import { newPacket } from "../../src/datapath/packet_builder.ts";
import { readCapture } from "../../src/pcap/capture.ts";
import { builtInNode } from "../../src/replay/built_in_node.ts";
import { FlowBudget } from "../../src/replay/flow_budget.ts";
import { Replay } from "../../src/replay/replay.ts";
import { pcapFile } from "../pcap/_captures.ts";
import { mustOpenEmulator } from "../verify/_scenario.ts";

const HALF = MAX_CONNTRACK_SEEN_BY_TESTS / 2;

Deno.test("FlowBudget has room for what fits into half a table, and no more", async () => {
  const { emulator } = await mustOpenEmulator();
  const budget = new FlowBudget([emulator]);
  assertEquals(budget.make({ packets: HALF, fragments: 0 }, 0n), true);
  // The table is empty: what was counted were packets, not flows.
  assertEquals(budget.make({ packets: HALF, fragments: 0 }, 0n), true);
  assertEquals(budget.make({ packets: HALF + 1, fragments: 0 }, 0n), false);
});

Deno.test("FlowBudget counts fragments, which nobody deletes", async () => {
  const { emulator } = await mustOpenEmulator();
  const budget = new FlowBudget([emulator]);
  const half = { packets: 1, fragments: MAX_FRAGMENTS / 2 };
  assertEquals(budget.make(half, 0n), true);
  assertEquals(budget.make(half, 0n), false);
  assertEquals(budget.make({ packets: 1, fragments: 0 }, 0n), true);
});

Deno.test("Replay: flows are forgotten where a capture has more fragments than fit", async () => {
  const { memory, emulator } = await mustOpenEmulator();
  const node = builtInNode(["10.0.0.1"]);
  emulator.load(node.state);
  const replay = new Replay(memory, [emulator]);
  const source = Uint8Array.of(10, 0, 0, 1);
  const records = Array.from({ length: MAX_FRAGMENTS }, (_, id) => ({
    data: newPacket().eth().ipv4({ source, destination: source, id, fragment: 0x2000 })
      .udp({ source: 1, destination: 2 }).build(),
  }));
  assertEquals([...replay.run(node, readCapture(pcapFile(records), "x"))].length, records.length);
  assertEquals(replay.forgotten, 1);
});
