import { assert, assertEquals } from "@std/assert";
import { Btf, loadBtf, loadCollection } from "ebpf-ts-loader";
import { forOlderKernels } from "../../../src/ebpf-ts-loader/btf/older_kernels.ts";
import { fixture } from "../fixtures.ts";
import { kernelTest, packet } from "../kernel.ts";

const NEWER = ["enum64", "typeTag", "declTag", "float"];

function mustBtf(name: string): Btf {
  const { btf } = fixture(name);
  assert(btf);
  return btf;
}

Deno.test("forOlderKernels() leaves no kind that kernels before 5.13 do not know", () => {
  const btf = mustBtf("variables.bpf.o");
  assert(btf.types.some(({ kind }) => kind === "enum64"));
  assert(btf.types.some(({ kind }) => kind === "declTag"));
  const older = new Btf(forOlderKernels(btf));
  assertEquals(older.types.filter(({ kind }) => NEWER.includes(kind)), []);
  assertEquals(older.types.length, btf.types.length);
});

Deno.test("forOlderKernels() keeps every size, and what is old enough", () => {
  const btf = mustBtf("variables.bpf.o");
  const older = new Btf(forOlderKernels(btf));
  assertEquals(older.structLayout("shape"), btf.structLayout("shape"));
  const top = btf.find("enum64", "wide");
  assert(top);
  assertEquals(older.sizeOf(top.id), 8);
});

for (const name of ["variables.bpf.o", "core_target.bpf.o", "code.bpf.o"]) {
  kernelTest(`the kernel takes the older words for ${name}`, () => {
    const { btf, kernelBtf } = fixture(name);
    assert(btf && kernelBtf);
    using fd = loadBtf(forOlderKernels(btf, kernelBtf), name);
    assert(fd.fd > 0);
  });
}

kernelTest("programs load with the older words", () => {
  const spec = fixture("variables.bpf.o");
  assert(spec.btf && spec.kernelBtf);
  spec.kernelBtf = forOlderKernels(spec.btf, spec.kernelBtf);
  using collection = loadCollection(spec);
  assertEquals(collection.program("helped").testRun({ data: packet() }).returnValue, 7);
});
