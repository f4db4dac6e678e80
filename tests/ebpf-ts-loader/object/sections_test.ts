import { assert, assertEquals } from "@std/assert";
import { loadCollection, NotSupportedError } from "ebpf-ts-loader";
import { SyscallError } from "ebpf-ts-loader/sys";
import { fixture } from "../fixtures.ts";
import { kernelTest } from "../kernel.ts";
import { libbpfKinds, libbpfMissing, LibbpfPrograms, tagOf } from "../libbpf/compare.ts";

const OBJECT = new URL("../fixtures/sections.bpf.o", import.meta.url).pathname;

/** Tags of the programs that this kernel takes, by name; the others say why not. */
function loadAll(): Map<string, string> {
  const spec = fixture("sections.bpf.o");
  const tags = new Map<string, string>();
  for (const { name } of spec.programs.values()) {
    try {
      using collection = loadCollection(spec, { only: [name] });
      tags.set(name, collection.program(name).info().tag);
    } catch (error) {
      if (error instanceof NotSupportedError || error instanceof SyscallError) continue;
      throw error;
    }
  }
  return tags;
}

kernelTest("loadCollection() loads a program of every kind that the kernel has", () => {
  const loaded = new Set(loadAll().keys());
  for (const name of ["tc", "xdp", "cgroup_connect4", "sk_lookup", "syscall", "tracepoint"]) {
    assert(loaded.has(`in_${name}`), name);
  }
});

kernelTest("programs of every kind have the tags that libbpf gives them", () => {
  const { programs } = fixture("sections.bpf.o");
  const kinds = libbpfKinds(OBJECT);
  const known = ([name]: [string, string]) =>
    (kinds.get(programs.get(name)?.section ?? "")?.[0] ?? 0) > 0;
  const ours = [...loadAll()].filter(known);
  assert(ours.length > 60);
  using theirs = new LibbpfPrograms({ object: OBJECT, programs: ours.map(([name]) => name) });
  for (const [name, tag] of ours) {
    assertEquals([name, tagOf(`${theirs.folder}/${name}`)], [name, tag]);
  }
}, { unless: libbpfMissing });
