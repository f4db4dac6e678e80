import { assert, assertEquals } from "@std/assert";
import { enableStats, loadCollection } from "ebpf-ts-loader";
import { fixture } from "../fixtures.ts";
import { kernelTest, packet } from "../kernel.ts";

kernelTest("BpfProgram.info() tells the program's maps, owner and BTF", () => {
  const spec = fixture("tc.bpf.o");
  using collection = loadCollection(spec, { only: ["from_container"] });
  const info = collection.program("from_container").info();
  const idOf = (name: string) => collection.map(name).info().id;
  assertEquals(
    new Set(info.mapIds),
    new Set([".rodata", ".data", ".bss", "counters"].map(idOf)),
  );
  assertEquals([info.createdByUid, info.gplCompatible], [Deno.uid(), true]);
  assert(info.btfId > 0 && info.loadTime > 0n && info.verifiedInstructions > 0);
});

kernelTest("BpfProgram.info() of a program without maps has none", () => {
  using collection = loadCollection(fixture("tc.bpf.o"), { only: ["tail_target"] });
  assertEquals(collection.program("tail_target").info().mapIds, []);
});

kernelTest("enableStats() counts runs while it is held", () => {
  using collection = loadCollection(fixture("tc.bpf.o"), { only: ["tail_target"] });
  const program = collection.program("tail_target");
  program.testRun({ data: packet(), repeat: 3 });
  assertEquals(program.info().runCount, 0n);
  {
    using _stats = enableStats();
    program.testRun({ data: packet(), repeat: 5 });
  }
  const { runCount, runTime, recursionMisses } = program.info();
  assertEquals([runCount, recursionMisses], [5n, 0n]);
  assert(runTime > 0n);
  program.testRun({ data: packet() });
  assertEquals(program.info().runCount, 5n);
});
