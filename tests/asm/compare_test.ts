import { assertEquals } from "@std/assert";
import { newMemory } from "../datapath/_memory.ts";

const memory = newMemory();
const { exports } = memory.wasm;

Deno.test("firstDifference() finds the first byte that differs, at any place", () => {
  const a = exports.allocate(100) >>> 0;
  const b = exports.allocate(100) >>> 0;
  memory.bytes(a, 100).fill(7);
  for (let at = 0; at < 100; at++) {
    memory.bytes(b, 100).fill(7);
    memory.bytes(b, 100).fill(9, at);
    assertEquals(exports.firstDifference(a, b, 100), at);
    assertEquals(exports.firstDifference(a, b, at), at); // equal so far
  }
});
