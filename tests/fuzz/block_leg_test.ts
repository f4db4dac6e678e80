import { assert, assertEquals } from "@std/assert";
import { instrumentBlocks } from "ebpf-ts-loader";
import { readBpfObject } from "../../src/datapath/bpf_objects.ts";
import { DatapathMemory } from "../../src/datapath/datapath_memory.ts";
import { readEmulatorWasm } from "../../src/datapath/emulator_file.ts";
import { KernelDatapath } from "../../src/datapath/kernel.ts";
import { type Observation, observe } from "../../src/verify/mutation/observation.ts";
import { packetSets } from "../../src/verify/mutation/packet_set.ts";
import { ROW_NODES, type RowNodeName } from "../../src/verify/row_node.ts";
import { kernelTest } from "../ebpf-ts-loader/kernel.ts";

const SETS = packetSets().filter(({ fault }) => fault === undefined);
const { spec: INSTRUMENTED, map: HITS } = instrumentBlocks(readBpfObject("datapath"));

async function mustObserve(kernel: KernelDatapath, memory: DatapathMemory, node: RowNodeName) {
  await kernel.load(ROW_NODES[node]);
  const observations = new Map<string, Observation>();
  for (const { name, packets } of SETS.filter((set) => set.node === node)) {
    const input = memory.packetBatch(packets.length);
    for (const packet of packets) input.add(packet);
    observations.set(name, observe(kernel, input, memory.packetBatch(packets.length)));
  }
  return observations;
}

for (const node of Object.keys(ROW_NODES) as RowNodeName[]) {
  kernelTest(
    `instrumented programs treat the packets of the ${node} node as the programs do`,
    async () => {
      const memory = new DatapathMemory(await readEmulatorWasm());
      using plain = new KernelDatapath(memory);
      const expected = await mustObserve(plain, memory, node);
      using instrumented = new KernelDatapath(memory, { object: INSTRUMENTED });
      assertEquals(await mustObserve(instrumented, memory, node), expected);
      assert(expected.size > 0);
      const hits = instrumented.node.map(HITS).lookup(0) ?? new Uint8Array(0);
      assert(hits.includes(1) && hits.includes(0));
    },
  );
}
