import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Request } from "../../src/cluster/l7_request.ts";
import type { HttpHeaderMatch, HttpRule } from "../../src/cluster/l7_rule.ts";
import { l7Matcher, type L7Set } from "../../src/policy/l7_matcher.ts";
import { type L7Condition, letsThrough } from "../../src/spec/l7.ts";

const SEED = Number(Deno.env.get("TWINPATH_SEED") ?? Date.now() % 0x7fffffff);
const NOTHING: L7Set = { kind: "http", open: false, http: [], dns: [], serverNames: [] };
const GET: Request = { kind: "http", http: { method: "GET", path: "/" } };

Deno.test("l7Matcher() of an open redirect lets everything through", () => {
  const matches = l7Matcher({ ...NOTHING, kind: "dns", open: true });
  assertEquals(matches?.(GET), true);
});

Deno.test("l7Matcher() lets no other protocol through", () => {
  const matches = l7Matcher({ ...NOTHING, kind: "tls", serverNames: ["*"] });
  assertEquals(matches?.(GET), false);
  assertEquals(matches?.({ kind: "tls", tls: { serverName: "a.example" } }), true);
});

Deno.test("l7Matcher() does not know what a listener lets through", () => {
  assertEquals(l7Matcher({ ...NOTHING, kind: "listener" }), undefined);
});

Deno.test("l7Matcher() reads expressions as RE2 does", () => {
  const matches = l7Matcher({ ...NOTHING, http: [{ method: "(?i)get", path: "/[[:alpha:]]+" }] });
  assertEquals(matches?.({ kind: "http", http: { method: "Get", path: "/abc" } }), true);
  assertEquals(matches?.({ kind: "http", http: { method: "GET", path: "/1" } }), false);
});

Deno.test("l7Matcher() ignores case in hosts without changing the expression", () => {
  const matches = l7Matcher({ ...NOTHING, http: [{ host: "\\D+\\.example\\.com" }] });
  const asked = (host: string): Request => ({ kind: "http", http: { method: "", path: "", host } });
  assertEquals(matches?.(asked("A.EXAMPLE.com")), true);
  assertEquals(matches?.(asked("1.example.com")), false);
});

const header = fc.record({
  name: fc.constantFrom("X-Key", "x-key", "host", "other"),
  value: fc.constantFrom("1", "2", "shop.example.com"),
}, { requiredKeys: ["name"] });

const headerMatch: fc.Arbitrary<HttpHeaderMatch> = fc.record({
  name: fc.constantFrom("X-Key", "other"),
  value: fc.constantFrom("1", "2"),
  secret: fc.constant({ name: "s" }),
  mismatch: fc.constantFrom("LOG", "REPLACE"),
}, { requiredKeys: ["name"] });

const httpRule: fc.Arbitrary<HttpRule> = fc.record({
  method: fc.constantFrom("GET", "GET|POST", "(?i)get", ""),
  path: fc.constantFrom("/", "/a.*", "/[[:digit:]]+", "/x|/a", ""),
  host: fc.constantFrom("shop\\.example\\.com", "SHOP.*", "\\w+", ""),
  headers: fc.array(header, { maxLength: 2 }),
  headerMatches: fc.array(headerMatch, { maxLength: 2 }),
}, { requiredKeys: [] });

const name = fc.constantFrom("a.example", "A.example.", "b.a.example", "c.b.a.example", "x_y.org");
const pattern = fc.constantFrom("a.example", "*.example", "**.A.example.", "*", "b*.example", "**");

const condition: fc.Arbitrary<L7Condition> = fc.oneof(
  fc.array(httpRule, { minLength: 1, maxLength: 2 })
    .map((rules): L7Condition => ({ kind: "http", rules })),
  fc.array(
    fc.oneof(pattern.map((p) => ({ matchPattern: p })), name.map((n) => ({ matchName: n }))),
    {
      minLength: 1,
      maxLength: 2,
    },
  ).map((rules): L7Condition => ({ kind: "dns", rules })),
  fc.array(pattern, { minLength: 1, maxLength: 2 })
    .map((rules): L7Condition => ({ kind: "tls", rules })),
);

const request: fc.Arbitrary<Request> = fc.oneof(
  fc.record({
    method: fc.constantFrom("GET", "get", "POST"),
    path: fc.constantFrom("/", "/a", "/a/b", "/12", "/x"),
    host: fc.constantFrom("shop.example.com", "Shop.Example.com", "other"),
    headers: fc.constantFrom<Record<string, string>>({}, { "x-KEY": "1" }, { Host: "shop1" }),
  }, { requiredKeys: ["method", "path"] }).map((http): Request => ({ kind: "http", http })),
  name.map((name): Request => ({ kind: "dns", dns: { name } })),
  fc.record({ serverName: name }, { requiredKeys: [] })
    .map((tls): Request => ({ kind: "tls", tls })),
);

Deno.test("l7Matcher() and the naive reading agree on random rules and requests", () => {
  console.log(`seed ${SEED}`);
  fc.assert(
    fc.property(condition, request, (l7, asked) => {
      assertEquals(l7Matcher(setOf(l7))?.(asked), letsThrough(l7, asked));
    }),
    { seed: SEED, numRuns: 3000 },
  );
});

function setOf(l7: L7Condition): L7Set {
  switch (l7.kind) {
    case "http":
      return { ...NOTHING, http: l7.rules };
    case "dns":
      return { ...NOTHING, kind: "dns", dns: l7.rules };
    case "tls":
      return { ...NOTHING, kind: "tls", serverNames: l7.rules };
  }
}
