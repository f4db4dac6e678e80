import { assertEquals } from "@std/assert";
import type { HttpRule } from "../../src/cluster/l7_rule.ts";
import type { HttpRequest } from "../../src/cluster/l7_request.ts";
import { letsThrough } from "../../src/spec/l7.ts";

const REQUEST: HttpRequest = {
  method: "GET",
  path: "/public?x=1",
  host: "Shop.example.com",
  headers: { "X-Key": "1" },
};

const RULES: readonly (readonly [description: string, rule: HttpRule, passes: boolean])[] = [
  ["an empty rule", {}, true],
  ["an empty expression", { path: "", method: "" }, true],
  ["a method", { method: "GET" }, true],
  ["part of a method", { method: "GE" }, false],
  ["a path without the query", { path: "/public" }, false],
  ["a path with the query", { path: "/public.*" }, true],
  ["an alternative is not half anchored", { path: "/x|/public" }, false],
  ["a host in any case", { host: "shop\\.EXAMPLE\\.com" }, true],
  ["a header that is there", { headers: [{ name: "x-key" }] }, true],
  ["a header's value", { headers: [{ name: "x-key", value: "1" }] }, true],
  ["another value", { headers: [{ name: "x-key", value: "2" }] }, false],
  ["a header that is not there", { headers: [{ name: "x-other" }] }, false],
  ["one of two headers", { headers: [{ name: "x-key" }, { name: "x-other" }] }, false],
  ["a header match", { headerMatches: [{ name: "X-KEY", value: "1" }] }, true],
  ["a mismatch", { headerMatches: [{ name: "x-key", value: "2" }] }, false],
  ["a mismatch that is replaced", {
    headerMatches: [{ name: "x-key", value: "2", mismatch: "REPLACE" }],
  }, true],
  ["a value in a secret", { headerMatches: [{ name: "x-key", secret: { name: "s" } }] }, false],
  ["all parts must hold", { method: "GET", path: "/private" }, false],
];

for (const [description, rule, passes] of RULES) {
  Deno.test(`letsThrough(): ${description}`, () => {
    const got = letsThrough({ kind: "http", rules: [rule] }, { kind: "http", http: REQUEST });
    assertEquals(got, passes);
  });
}

Deno.test("letsThrough() passes everything of its protocol without rules, and nothing else", () => {
  const http = { kind: "http", http: REQUEST } as const;
  const dns = { kind: "dns", dns: { name: "a.b" } } as const;
  const passes = [http, dns].flatMap((request) => [
    letsThrough({ kind: "http", rules: [] }, request),
    letsThrough({ kind: "dns", rules: [] }, request),
  ]);
  assertEquals(passes, [true, false, false, true]);
});

Deno.test("letsThrough() asks for one rule of several", () => {
  const rules = [{ matchName: "a.b" }, { matchPattern: "*.c" }];
  const passes = ["a.b", "x.c", "c"].map((name) =>
    letsThrough({ kind: "dns", rules }, { kind: "dns", dns: { name } })
  );
  assertEquals(passes, [true, true, false]);
});
