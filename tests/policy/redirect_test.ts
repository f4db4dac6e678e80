import { assertEquals } from "@std/assert";
import type { L7Demand } from "../../src/policy/compiled_rule.ts";
import { RedirectTable } from "../../src/policy/redirect.ts";

const get: L7Demand = { rules: { kind: "http", rules: [{ method: "GET" }] } };
const post: L7Demand = { rules: { kind: "http", rules: [{ method: "POST" }] } };
const visible: L7Demand = { rules: { kind: "http", rules: [] } };

Deno.test("RedirectTable has one number for the same demands, in any order", () => {
  const redirects = new RedirectTable();
  const id = redirects.intern("ingress", [get, post], false);
  assertEquals(redirects.intern("ingress", [post, get, get], false), id);
  assertEquals(redirects.intern("egress", [get, post], false) === id, false);
  assertEquals(redirects.get(id), {
    id,
    direction: "ingress",
    kind: "http",
    open: false,
    http: [{ method: "GET" }, { method: "POST" }],
    dns: [],
    serverNames: [],
  });
});

Deno.test("RedirectTable is open where something passes without conditions", () => {
  const redirects = new RedirectTable();
  const ids = [
    redirects.intern("ingress", [get], true),
    redirects.intern("ingress", [post], true),
    redirects.intern("ingress", [visible, post], false),
  ];
  assertEquals(new Set(ids).size, 1);
  const open = redirects.get(ids[0] ?? 0);
  assertEquals([open?.open, open?.http], [true, []]);
});
