import { assert, assertEquals, assertThrows } from "@std/assert";
import { cloneProgram, createMap, prepare, VerifierError } from "ebpf-ts-loader";
import { fixture } from "../fixtures.ts";
import { kernelTest, packet } from "../kernel.ts";

kernelTest("prepare() instantiates with own constants and shared maps", () => {
  using template = prepare(fixture("tc.bpf.o"));
  using stack = new DisposableStack();
  const instances = [11, 12, 13].map((config_endpoint_id) =>
    stack.use(template.instantiate({ variables: { config_endpoint_id } }))
  );
  const run = (name: string) =>
    instances.map((each) => each.program(name).testRun({ data: packet() }).returnValue);
  assertEquals(run("from_container"), [11, 12, 13]);
  assertEquals(template.maps.get("counters")?.lookup(1)?.at(0), 3);
  assertEquals(run("jump"), [77, 77, 77]);
  assertEquals(new Set(instances.map((each) => each.map("jumps").info().id)).size, 3);
  assertEquals(instances[0]?.map("counters"), instances[1]?.map("counters"));
  assertEquals(new Set(instances.map((each) => each.map(".data").info().id)).size, 3);
});

kernelTest("instances outlive their template", () => {
  const template = prepare(fixture("tc.bpf.o"));
  using instance = template.instantiate();
  template[Symbol.dispose]();
  const run = () => instance.program("from_container").testRun({ data: packet() }).returnValue;
  assertEquals([run(), run()], [1, 1]);
});

kernelTest("instantiate() takes own and foreign maps", () => {
  const spec = fixture("tc.bpf.o");
  const counters = spec.maps.get("counters");
  assert(counters);
  using template = prepare(spec, { only: ["from_container"] });
  using foreign = createMap(counters);
  using first = template.instantiate({ maps: { counters: foreign } });
  using second = template.instantiate({ own: ["counters"] });
  first.program("from_container").testRun({ data: packet() });
  second.program("from_container").testRun({ data: packet(), repeat: 2 });
  const count = (map: { lookup(key: number): Uint8Array | undefined } | undefined) =>
    map?.lookup(1)?.at(0);
  assertEquals(
    [count(foreign), count(second.map("counters")), count(template.maps.get("counters"))],
    [1, 2, 0],
  );
});

kernelTest("instantiate() loads changed programs in place of the template's", () => {
  const spec = fixture("tc.bpf.o");
  const target = spec.programs.get("tail_target");
  assert(target);
  using template = prepare(spec, { only: ["tail_target", "jump"] });
  const mutant = cloneProgram(target);
  const at = mutant.instructions.findIndex((byte) => byte === 77);
  mutant.instructions[at] = 78;
  using changed = template.instantiate({ programs: { tail_target: mutant } });
  using original = template.instantiate();
  const results = [changed, original].map((each) =>
    each.program("jump").testRun({ data: packet() }).returnValue
  );
  assertEquals(results, [78, 77]);
  assertThrows(
    () => template.instantiate({ programs: { nobody: mutant } }),
    TypeError,
    'Cannot replace program "nobody"',
  );
});

kernelTest("instantiate() leaves nothing open when it fails", () => {
  using template = prepare(fixture("refused.bpf.o"), { only: ["fine", "wild_read"] });
  assertThrows(() => template.instantiate(), VerifierError);
});
