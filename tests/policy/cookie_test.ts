import { assertEquals } from "@std/assert";
import type { RuleOrigin } from "../../src/cluster/rule.ts";
import { COOKIE_REVISIONS, CookieTable } from "../../src/policy/cookie.ts";

function origin(name: string, index = 0): RuleOrigin {
  return { kind: "CiliumNetworkPolicy", namespace: "default", name, direction: "ingress", index };
}

Deno.test("CookieTable gives a set of rules one number, in any order", () => {
  const cookies = new CookieTable();
  const both = cookies.intern([origin("b"), origin("a"), origin("b")]);
  assertEquals(cookies.intern([origin("a"), origin("b")]), both);
  assertEquals(cookies.resolve(both), [origin("a"), origin("b")]);
  assertEquals(cookies.intern([origin("a")]) === both, false);
  assertEquals([cookies.intern([]), cookies.resolve(0), cookies.resolve(77)], [0, [], undefined]);
});

Deno.test("CookieTable forgets a cookie some revisions after its last use, and not its number", () => {
  const cookies = new CookieTable();
  const [old, kept] = [cookies.intern([origin("old")]), cookies.intern([origin("kept")])];
  cookies.release(old);
  for (let i = 0; i < COOKIE_REVISIONS; i++) cookies.advance();
  assertEquals(cookies.resolve(old), [origin("old")]);
  cookies.advance();
  assertEquals([cookies.resolve(old), cookies.resolve(kept)], [undefined, [origin("kept")]]);
  assertEquals(cookies.intern([origin("old")]), 3);
});

Deno.test("CookieTable keeps a cookie that comes back into use", () => {
  const cookies = new CookieTable();
  const cookie = cookies.intern([origin("a")]);
  cookies.release(cookie);
  assertEquals(cookies.intern([origin("a")]), cookie);
  for (let i = 0; i < 2 * COOKIE_REVISIONS; i++) cookies.advance();
  assertEquals(cookies.resolve(cookie), [origin("a")]);
});
