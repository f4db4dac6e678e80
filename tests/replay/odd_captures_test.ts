import { assert, assertEquals } from "@std/assert";
import { KernelDatapath } from "../../src/datapath/kernel.ts";
import { LpmDatapath } from "../../src/datapath/lpm_datapath.ts";
import { readCapture } from "../../src/pcap/capture.ts";
import { Replay } from "../../src/replay/replay.ts";
import { nodeOfScenario } from "../../src/replay/replay_node.ts";
import { Random } from "../../src/verify/random.ts";
import { kernelTest } from "../ebpf-ts-loader/kernel.ts";
import { mustMakeDeathStar, mustOpenEmulator } from "../verify/_scenario.ts";
import { oddCapture } from "./_odd_captures.ts";

const seed = Number(Deno.env.get("TWINPATH_SEED") ?? Math.floor(Math.random() * 2 ** 31));
const captures = Number(Deno.env.get("TWINPATH_CASES") ?? 60);

kernelTest(`Replay: ${captures} odd captures go alike in all datapaths, seed ${seed}`, async () => {
  const node = nodeOfScenario(await mustMakeDeathStar());
  const { memory, emulator } = await mustOpenEmulator();
  using kernel = new KernelDatapath(memory);
  using lpm = new LpmDatapath(memory);
  const datapaths = [emulator, lpm, kernel];
  for (const datapath of datapaths) await datapath.load(node.state);
  const replay = new Replay(memory, datapaths);
  const random = new Random(seed);
  const verdicts = new Set<string>();
  for (let i = 0; i < captures; i++) {
    const capture = readCapture(oddCapture(random, node.state.endpoints), "odd");
    for (const packet of replay.run(node, capture)) {
      assertEquals(packet.differences, [], `packet ${packet.number} of capture ${i}`);
      verdicts.add(packet.result.verdict);
    }
    assertEquals(replay.tableDifferences, [], `capture ${i}`);
  }
  // What nothing reaches proves nothing.
  assert(["allowed", "dropped", "skipped"].every((verdict) => verdicts.has(verdict)));
});
