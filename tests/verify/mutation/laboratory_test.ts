import { assertEquals } from "@std/assert";
import { DatapathMemory } from "../../../src/datapath/datapath_memory.ts";
import { readEmulatorWasm } from "../../../src/datapath/emulator_file.ts";
import { Bench, type Circumstances, Laboratory } from "../../../src/verify/mutation/laboratory.ts";
import { mutated, programMutants } from "../../../src/verify/mutation/mutant.ts";
import { packetSets } from "../../../src/verify/mutation/packet_set.ts";
import { trapped } from "../../../src/verify/mutation/trap.ts";
import { ROW_POLICY } from "../../../src/verify/row_policies.ts";
import { kernelTest } from "../../ebpf-ts-loader/kernel.ts";

async function mustOpen(circumstances: Circumstances = {}): Promise<Laboratory> {
  const memory = new DatapathMemory(await readEmulatorWasm(), { mergeMode: "unmerged" });
  return await Laboratory.open(new Bench(memory, packetSets()), circumstances);
}

const CIRCUMSTANCES: readonly Circumstances[] = [
  { node: "usual" },
  { node: "audited" },
  { node: "aggregating" },
  { addressesIn: "blocks" },
  { addressesIn: "tables" },
];

for (const circumstances of CIRCUMSTANCES) {
  const name = JSON.stringify(circumstances);
  kernelTest(`Laboratory notices nothing while the programs are as they are ${name}`, async () => {
    using laboratory = await mustOpen(circumstances);
    for (const program of laboratory.spec.programs.values()) {
      laboratory.install(program);
      assertEquals(laboratory.isNoticed(laboratory.sets), false, program.name);
    }
  });
}

kernelTest("Laboratory runs the sets of its node alone", async () => {
  using laboratory = await mustOpen({ node: "audited" });
  assertEquals(new Set(laboratory.sets.map(({ node }) => node)), new Set(["audited"]));
});

kernelTest(
  "Laboratory notices a mutant, and nothing any more once programs are restored",
  async () => {
    using laboratory = await mustOpen();
    const { programs, btf } = laboratory.spec;
    const program = programs.get("to_container");
    const mutant = [...programMutants(programs.values(), btf)].find((m) =>
      m.function === "to_container" && m.kind === "inverted" && m.line.includes("MARK_ENFORCED")
    );
    if (program === undefined || mutant === undefined) throw new Error("Cannot find the mutant");
    laboratory.install(mutated(program, mutant));
    assertEquals(laboratory.isNoticed(laboratory.sets), true);
    laboratory.restore();
    assertEquals(laboratory.isNoticed(laboratory.sets), false);
  },
);

kernelTest("Laboratory notices a trap in the first block of each program", async () => {
  using laboratory = await mustOpen();
  for (const program of laboratory.spec.programs.values()) {
    laboratory.install(trapped(program, 0));
    assertEquals(laboratory.isNoticed(laboratory.sets), true, program.name);
  }
});

kernelTest("Laboratory notices a flipped byte of an image, and puts it back", async () => {
  using laboratory = await mustOpen();
  const broadBlock = 40;
  const noticed = laboratory.withImageByte(
    ROW_POLICY.SMALL,
    broadBlock,
    1,
    () => laboratory.isNoticed(laboratory.sets),
  );
  assertEquals(noticed, true);
  assertEquals(laboratory.isNoticed(laboratory.sets), false);
});
