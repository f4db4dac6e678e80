import { assertEquals } from "@std/assert";
import { loadCollection } from "ebpf-ts-loader";
import { fixture } from "../fixtures.ts";
import { bpffsMissing, kernelTest, packet, uniqueBpffsPath } from "../kernel.ts";

/** A folder of the BPF file system that is gone with its scope. */
function temporaryFolder(): Disposable & { readonly path: string } {
  const path = uniqueBpffsPath("pins");
  Deno.mkdirSync(path);
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

for (const name of fixture("code.bpf.o").programs.keys()) {
  if (name === "second" || name === "third") continue; // reached by tail calls only
  kernelTest(`code.bpf.o ${name} finds what it checks`, () => {
    using folder = temporaryFolder();
    using collection = loadCollection(fixture("code.bpf.o"), { pinPath: folder.path });
    const { returnValue } = collection.program(name).testRun({ data: packet(60) });
    assertEquals(returnValue, 0, `line ${returnValue} of code.bpf.c`);
  }, { unless: bpffsMissing });
}

kernelTest("sections_apart.bpf.o caller reaches functions of other sections", () => {
  using collection = loadCollection(fixture("sections_apart.bpf.o"));
  const { returnValue } = collection.program("caller").testRun({ data: packet(60) });
  assertEquals(returnValue, 0, `line ${returnValue} of sections_apart.bpf.c`);
});

Deno.test("parseObject() reads tags, places, pins and initialisers of maps", () => {
  const { maps, programs } = fixture("code.bpf.o");
  const map = (name: string) => maps.get(name);
  assertEquals(map("timed")?.tags, ["holds a timer"]);
  assertEquals([map("numbers")?.flags, map("numbers")?.numaNode], [4, 0]);
  assertEquals([map("bloom")?.mapExtra, map("bloom")?.keySize], [5n, 0]);
  assertEquals([map("pinned_by_name")?.pinByName, map("red")?.pinByName], [true, false]);
  assertEquals(map("by_color")?.slots, [
    { kind: "map", name: "red", index: 3 },
    { kind: "map", name: "green", index: 7 },
  ]);
  assertEquals(map("chain")?.slots, [
    { kind: "program", name: "second", index: 0 },
    { kind: "program", name: "third", index: 2 },
  ]);
  assertEquals(programs.get("loops")?.functions.map(({ name }) => name), ["loops", "sum", "count"]);
});
