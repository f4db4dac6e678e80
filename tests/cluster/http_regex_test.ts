import { assertEquals, assertThrows } from "@std/assert";
import { parseHttpRegex } from "../../src/cluster/http_regex.ts";

/** Expression, a text that it matches whole, and one that it does not. */
const MATCHES: readonly [expression: string, yes: string, no: string][] = [
  ["/v1/.*", "/v1/request-landing", "/v2/v1/x"],
  ["GET", "GET", "GETS"],
  ["GET|POST", "POST", "XGET"],
  ["/public$", "/public", "/public/x"],
  ["/a\\.b", "/a.b", "/axb"],
  ["/[[:alpha:]]+", "/abc", "/a1"],
  ["/[[:digit:]-]+", "/1-2", "/a"],
  ["/[]a]", "/]", "/b"],
  ["/[^]a]", "/b", "/]"],
  ["/[a[b]", "/[", "/c"],
  ["/a{2}", "/aa", "/a"],
  ["/a{,2}", "/a{,2}", "/aa"],
  ["/\\-\\/\\~", "/-/~", "/x"],
  ["/\\d+", "/12", "/x"],
  ["/a\\sb", "/a b", "/a\u00a0b"],
  ["/x\\x41\\x{1F600}", "/xA😀", "/xB"],
  ["(?i)/Admin", "/aDMIN", "/admi"],
  ["(?P<name>/a)", "/a", "/b"],
  ["\\A/a\\z", "/a", "/ab"],
  ["/.", "/😀", "/ab"],
  ["", "", "/"],
];

for (const [expression, yes, no] of MATCHES) {
  Deno.test(`parseHttpRegex() reads ${JSON.stringify(expression)} as RE2 does`, () => {
    const regex = parseHttpRegex(expression);
    assertEquals([regex.test(yes), regex.test(no)], [true, false]);
  });
}

const WRONG: readonly [expression: string, state: string][] = [
  ["/(", "is no regular expression (unterminated group)"],
  ["*", "is no regular expression (nothing to repeat)"],
  ["/[a", "has a class without end ([)"],
  ["(a)\\1", "has a backreference (\\1)"],
  ["(?=a)", "has (?=a…, which RE2 does not know"],
  ["(?<!a)b", "has (?<!…, which RE2 does not know"],
  ["(?U)a", "has the flags (?U)"],
  ["a{1001}", "has the repetition {1001}, more than 1000"],
  ["[[:letter:]]", "has the class [:letter:]"],
  ["\\q", "has the escape \\q"],
  ["\\pL", "has the escape \\p"],
  ["a\\", "ends in a backslash"],
];

for (const [expression, state] of WRONG) {
  Deno.test(`parseHttpRegex() refuses ${JSON.stringify(expression)}`, () => {
    assertEquals(assertThrows(() => parseHttpRegex(expression), SyntaxError).message, state);
  });
}
