import { assertEquals, assertThrows } from "@std/assert";
import { InternTable } from "../../src/policy/intern_table.ts";

function table(last: number) {
  return new InternTable<string>({ first: 1, last, what: "thing", keep: 1 });
}

Deno.test("InternTable gives equal values one number, and looks it up", () => {
  const things = table(9);
  assertEquals([things.intern("a", () => "A"), things.intern("a", () => "other")], [1, 1]);
  assertEquals([things.get(1), things.get(2), things.size], ["A", undefined, 1]);
});

Deno.test("InternTable keeps what is out of use for some revisions", () => {
  const things = table(9);
  const number = things.intern("a", () => "A");
  things.release(number);
  things.advance();
  assertEquals(things.get(number), "A");
  things.advance();
  assertEquals(things.get(number), undefined);
});

Deno.test("InternTable reuses numbers as late as possible, and refuses when none is left", () => {
  const things = table(2);
  const first = things.intern("a", () => "A");
  things.release(first);
  things.advance();
  things.advance();
  assertEquals([things.intern("b", () => "B"), things.intern("c", () => "C")], [2, 1]);
  assertThrows(() => things.intern("d", () => "D"), RangeError, "all 2 in use");
});

Deno.test("InternTable refuses to take back what nobody has", () => {
  assertThrows(() => table(9).release(3), TypeError, 'Cannot release thing "3"');
});
