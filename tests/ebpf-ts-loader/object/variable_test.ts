import { assert, assertEquals, assertThrows } from "@std/assert";
import { loadCollection, setVariable, Variable, variableValue } from "ebpf-ts-loader";
import { fixture } from "../fixtures.ts";
import { kernelTest, packet } from "../kernel.ts";

kernelTest("Variable reads and writes memory that programs share", () => {
  using collection = loadCollection(fixture("variables.bpf.o"));
  using counter = collection.variable<bigint>("counter");
  using level = collection.variable<number>("level");
  using scratch = collection.variable<number>("scratch");
  level.set(-4);
  const { returnValue } = collection.program("add").testRun({ data: packet(60) });
  assertEquals([returnValue | 0, counter.get(), scratch.get()], [-4, 63n, 33]);
  counter.set(1n);
  collection.program("add").testRun({ data: packet(60), repeat: 3 });
  assertEquals(counter.get(), 181n);
});

kernelTest("Variable has the value's type: a struct by member", () => {
  using collection = loadCollection(fixture("variables.bpf.o"));
  using state = collection.variables.get("state");
  assert(state instanceof Variable);
  state.set({ name: "before", minus: -1, points: [{ x: 5 }, {}], total: 41n });
  collection.program("add").testRun({ data: packet() });
  const value = state.get();
  assert(typeof value === "object" && "total" in value);
  assertEquals([value.name, value.minus, value.total], ["before", -1, 42n]);
  assertEquals(value.points, [{ x: 5, y: 0 }, { x: 0, y: -9 }]);
});

kernelTest("Variable shows constants, and refuses to change them", () => {
  const spec = fixture("variables.bpf.o");
  setVariable(spec, "greeting", "hi");
  using collection = loadCollection(spec, { variables: { limits: [4, 5, 6] } });
  using greeting = collection.variable<string>("greeting");
  using limits = collection.variable("limits");
  assertEquals([greeting.get(), limits.get(), greeting.readOnly], ["hi", [4, 5, 6], true]);
  assertThrows(
    () => greeting.set("x"),
    TypeError,
    'Cannot set variable "greeting": constant in ".rodata", expected a variable outside .rodata',
  );
  assertEquals(collection.program("helped").testRun({ data: packet() }).returnValue, 13);
  assertEquals(variableValue(spec, "limits"), [1, 2, 3]);
});

kernelTest("Variable refuses what does not fit, and names the member", () => {
  using collection = loadCollection(fixture("variables.bpf.o"));
  using state = collection.variable("state");
  assertThrows(
    () => state.set({ three: 9 }),
    RangeError,
    'Cannot set variable "state.three": 9, expected 0 to 7',
  );
});

kernelTest("Variable gives its memory back, and maps it again when used again", () => {
  using collection = loadCollection(fixture("variables.bpf.o"));
  const counter = collection.variable<bigint>("counter");
  const view = counter.bytes();
  assertEquals(view.length, 8);
  counter[Symbol.dispose]();
  counter[Symbol.dispose]();
  assertEquals(view.length, 0);
  assertEquals(counter.get(), 3n);
});

kernelTest("Variable is closed with its collection", () => {
  const collection = loadCollection(fixture("variables.bpf.o"));
  const counter = collection.variable("counter");
  const view = counter.bytes();
  collection[Symbol.dispose]();
  assertEquals(view.length, 0);
  assertThrows(() => counter.get(), TypeError, "closed");
});

kernelTest("Collection.variable() suggests the name that was meant", () => {
  using collection = loadCollection(fixture("variables.bpf.o"));
  assertThrows(
    () => collection.variable("conter"),
    TypeError,
    'Cannot find variable "conter": not loaded (did you mean "counter"?), expected one of',
  );
  assertThrows(
    () => loadCollection(fixture("variables.bpf.o"), { variables: { limit: 1 } }),
    TypeError,
    'Cannot find variable "limit": not in "variables.bpf.o" (did you mean "limits"?)',
  );
});
