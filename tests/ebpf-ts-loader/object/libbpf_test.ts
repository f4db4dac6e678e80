import { assertEquals } from "@std/assert";
import { loadCollection } from "ebpf-ts-loader";
import { fixture } from "../fixtures.ts";
import { kernelTest, uniqueBpffsPath } from "../kernel.ts";
import { dumpOf, libbpfMissing, LibbpfPrograms, tagOf } from "../libbpf/compare.ts";

/** Objects, and the programs of each that are compared. */
const OBJECTS: Readonly<Record<string, { only?: readonly string[] }>> = {
  "tc.bpf.o": {},
  "core.bpf.o": {},
  "externs.bpf.o": {},
  "variables.bpf.o": {},
  "code.bpf.o": {},
  "maps.bpf.o": { only: ["take"] },
};

// libbpf poisons a call of a missing weak function since 1.2; 1.1 leaves it 0. Dead code, but part
// of the tag.
const SINCE_1_2 = ["weak_kfunc"];

for (const [name, options] of Object.entries(OBJECTS)) {
  kernelTest(`${name} becomes what libbpf makes of it: equal tags, equal translated code`, () => {
    const object = new URL(`../fixtures/${name}`, import.meta.url).pathname;
    using pins = pinFolder();
    using collection = loadCollection(fixture(name), { ...options, pinPath: pins.path });
    const programs = [...collection.programs.keys()];
    using theirs = new LibbpfPrograms({ object, programs });
    using folder = pinFolder();
    for (const [program, loaded] of collection.programs) {
      loaded.pin(`${folder.path}/${program}`);
      const [ours, other] = [`${folder.path}/${program}`, `${theirs.folder}/${program}`];
      if (!SINCE_1_2.includes(program)) assertEquals(loaded.info().tag, tagOf(other), program);
      assertEquals(dumpOf(ours), dumpOf(other), program);
    }
  }, { unless: libbpfMissing });
}

function pinFolder(): Disposable & { path: string } {
  const path = uniqueBpffsPath("ours");
  Deno.mkdirSync(path);
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}
