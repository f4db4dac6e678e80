import { assertEquals } from "@std/assert";
import { NumberPool } from "../../src/policy/number_pool.ts";

Deno.test("NumberPool gives out the lowest free number", () => {
  const pool = new NumberPool(1);
  assertEquals([pool.take(), pool.take(), pool.take(), pool.take()], [1, 2, 3, 4]);
  pool.give(3);
  pool.give(1);
  pool.give(2);
  assertEquals([pool.take(), pool.take(), pool.take(), pool.take()], [1, 2, 3, 5]);
});
