import { assert, assertEquals, assertThrows } from "@std/assert";
import { MAX_PRIORITY, precedenceOf } from "../../src/policy/precedence.ts";

Deno.test("precedenceOf() puts a lower priority number first, and deny before allow", () => {
  assertEquals(precedenceOf("deny"), 0xffffffff);
  assertEquals(precedenceOf("allow"), 0xffffff01);
  assertEquals(precedenceOf("allow", MAX_PRIORITY), 1);
  assert(precedenceOf("allow", 0) > precedenceOf("deny", 1));
});

Deno.test("precedenceOf() refuses priorities that do not fit", () => {
  for (const priority of [-1, 0.5, MAX_PRIORITY + 1, NaN]) {
    assertThrows(() => precedenceOf("allow", priority), RangeError, String(priority));
  }
});
