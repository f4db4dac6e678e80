import { assertEquals } from "@std/assert";
import { fqdnName, fqdnPattern } from "../../src/identity/fqdn_pattern.ts";

/** Patterns and names of https://docs.cilium.io/en/stable/security/policy/layer3/#dns-based */
const TABLE: readonly (readonly [pattern: string, matching: string[], others: string[]])[] = [
  ["*", ["cilium.io", "a.b.c", ""], []],
  ["**", ["cilium.io"], []],
  ["*.cilium.io", ["www.cilium.io"], ["cilium.io", "a.www.cilium.io", "wwwcilium.io"]],
  ["*cilium.io", ["cilium.io", "sub-cilium.io"], ["sub.cilium.io"]],
  ["sub*.cilium.io", ["sub.cilium.io", "subdomain.cilium.io"], ["www.cilium.io", "cilium.io"]],
  ["**.cilium.io", ["app.cilium.io", "test.app.cilium.io"], ["cilium.io", "xcilium.io"]],
  ["***.cilium.io", ["a.b.cilium.io"], ["cilium.io"]],
  ["a.**.io", ["a.b.io", "a..io"], ["a.b.c.io"]],
  ["*.CILIUM.io.", ["www.cilium.io"], ["www_cilium.io"]],
  ["x+y.io", ["x+y.io"], ["xxy.io"]],
];

for (const [pattern, matching, others] of TABLE) {
  Deno.test(`fqdnPattern() reads ${pattern}`, () => {
    const { matches } = fqdnPattern(pattern);
    assertEquals(matching.filter((name) => !matches(name)), []);
    assertEquals(others.filter(matches), []);
  });
}

Deno.test("fqdnName() and fqdnPattern() have one text for what means the same", () => {
  assertEquals(fqdnName("Cilium.IO.").text, "cilium.io");
  assertEquals(fqdnPattern("cilium.io").text, "cilium.io");
  assertEquals([fqdnPattern("**").text, fqdnPattern("*").text], ["*", "*"]);
});
