import { assert, assertEquals } from "@std/assert";
import {
  btfIds,
  loadCollection,
  mapIds,
  openMapById,
  openProgramById,
  programIds,
  readBtfById,
} from "ebpf-ts-loader";
import { fixture } from "../fixtures.ts";
import { kernelTest, packet } from "../kernel.ts";

const GONE = 0x7fff_ffff;

kernelTest("mapIds() and openMapById() find a map", () => {
  using collection = loadCollection(fixture("tc.bpf.o"), { only: ["counters"] });
  const map = collection.map("counters");
  map.update(3, new Uint8Array(8).fill(9));
  const { id } = map.info();
  assert([...mapIds()].includes(id));
  using found = openMapById(id);
  assertEquals(found?.lookup(3), new Uint8Array(8).fill(9));
  assertEquals(found?.info(), map.info());
  assertEquals(openMapById(GONE), undefined);
});

kernelTest("programIds() and openProgramById() find a program", () => {
  using collection = loadCollection(fixture("tc.bpf.o"), { only: ["tail_target"] });
  const program = collection.program("tail_target");
  const { id } = program.info();
  assert([...programIds()].includes(id));
  using found = openProgramById(id);
  assertEquals(found?.testRun({ data: packet() }).returnValue, 77);
  assertEquals([found?.name, found?.type], ["tail_target", program.type]);
  assertEquals(openProgramById(GONE), undefined);
});

kernelTest("btfIds() and readBtfById() find a program's BTF", () => {
  const spec = fixture("tc.bpf.o");
  using collection = loadCollection(spec, { only: ["tail_target"] });
  const { btfId } = collection.program("tail_target").info();
  assert([...btfIds()].includes(btfId));
  const btf = readBtfById(btfId);
  assertEquals([btf?.id, btf?.name, btf?.fromKernel], [btfId, "", false]);
  assertEquals(btf?.bytes, spec.kernelBtf);
  assertEquals(readBtfById(GONE), undefined);
});

kernelTest("readBtfById() reads the kernel's own BTF", () => {
  const kernel = [...btfIds()].map((id) => readBtfById(id)).find((btf) => btf?.name === "vmlinux");
  assert(kernel?.fromKernel);
  assertEquals(kernel.bytes, Deno.readFileSync("/sys/kernel/btf/vmlinux"));
});
