import { assertEquals } from "@std/assert";
import { coversName } from "../../src/spec/dns_name.ts";

const PATTERNS: readonly (readonly [pattern: string, name: string, covered: boolean])[] = [
  ["*", "a.b.c", true],
  ["***", "a", true],
  ["*.cilium.io", "sub.cilium.io", true],
  ["*.cilium.io", "cilium.io", false],
  ["*.cilium.io", "a.b.cilium.io", false],
  ["*.cilium.io", "sub.cilium.io.", true],
  ["*.Cilium.io.", "SUB.cilium.IO", true],
  ["**.cilium.io", "a.cilium.io", true],
  ["**.cilium.io", "a.b.cilium.io", true],
  ["**.cilium.io", "cilium.io", false],
  ["****.cilium.io", "a.b.cilium.io", true],
  ["part*ial.com", "partial.com", true],
  ["part*ial.com", "part-extra-ial.com", true],
  ["part*ial.com", "part.ial.com", false],
  ["part**ial.com", "part-extra-ial.com", true],
  ["a.**.io", "a.b.io", true],
  ["a.**.io", "a.b.c.io", false],
  ["*", "", true],
  ["a.b", "axb", false],
  ["*.*", "a.b", true],
  ["*.*", "a", false],
];

for (const [matchPattern, name, covered] of PATTERNS) {
  Deno.test(`coversName(): "${matchPattern}" ${covered ? "covers" : "leaves out"} "${name}"`, () => {
    assertEquals(coversName({ matchPattern }, name), covered);
  });
}

Deno.test("coversName() compares a name whole, without regard to case", () => {
  const selector = { matchName: "Cilium.io" };
  const names = ["cilium.io", "CILIUM.IO.", "x.cilium.io", "cilium.io.x", "ciliumxio"];
  assertEquals(names.map((name) => coversName(selector, name)), [true, true, false, false, false]);
});
