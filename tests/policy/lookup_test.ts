import { assertEquals } from "@std/assert";
import { lookup } from "../../src/policy/lookup.ts";
import { compareEntries, type MapStateEntry, type Verdict } from "../../src/policy/map_state.ts";
import { precedenceOf } from "../../src/policy/precedence.ts";

function entry(
  identity: number,
  protocol: number,
  port: number,
  portPrefix: number,
  verdict: Verdict,
  priority = 0,
): MapStateEntry {
  const key = { identity, direction: "ingress" as const, protocol, port, portPrefix };
  return { ...key, verdict, precedence: precedenceOf(verdict, priority), cookie: 0, authType: 0 };
}

interface Row {
  readonly description: string;
  readonly entries: readonly MapStateEntry[];
  /** Index of the entry that matches, for identity 256 and 80/TCP. */
  readonly match: number | undefined;
}

const TABLE: readonly Row[] = [
  {
    description: "drops without a match",
    entries: [entry(257, 0, 0, 0, "allow")],
    match: undefined,
  },
  { description: "takes specific alone", entries: [entry(256, 6, 80, 16, "allow")], match: 0 },
  { description: "takes broad alone", entries: [entry(0, 6, 80, 16, "allow")], match: 0 },
  {
    description: "prefers the longest match of an identity",
    entries: [
      entry(256, 0, 0, 0, "allow"),
      entry(256, 6, 0, 0, "allow"),
      entry(256, 6, 80, 12, "allow"),
    ],
    match: 2,
  },
  {
    description: "gives a tie to specific",
    entries: [entry(0, 6, 80, 16, "allow"), entry(256, 6, 80, 16, "allow")],
    match: 1,
  },
  {
    description: "takes broad where its prefix is strictly longer",
    entries: [entry(0, 6, 80, 16, "allow"), entry(256, 6, 0, 0, "allow")],
    match: 0,
  },
  {
    description: "takes specific where its prefix is longer",
    entries: [entry(0, 6, 0, 0, "allow"), entry(256, 6, 80, 16, "allow")],
    match: 1,
  },
  {
    description: "takes broad with the higher precedence, however short its prefix",
    entries: [entry(0, 0, 0, 0, "deny"), entry(256, 6, 80, 16, "allow")],
    match: 0,
  },
  {
    description: "takes specific with the higher precedence, however short its prefix",
    entries: [entry(0, 6, 80, 16, "allow"), entry(256, 0, 0, 0, "deny")],
    match: 1,
  },
  {
    description: "lets a stronger priority of broad beat a deny of specific",
    entries: [entry(0, 6, 0, 0, "allow", 0), entry(256, 6, 80, 16, "deny", 7)],
    match: 0,
  },
];

for (const { description, entries, match } of TABLE) {
  Deno.test(`lookup() ${description}`, () => {
    const found = lookup({ entries: [...entries].sort(compareEntries) }, 256, "ingress", 6, 80);
    assertEquals(
      "entry" in found ? found.entry : undefined,
      match === undefined ? undefined : entries[match],
    );
    const want = match === undefined ? "deny" : entries[match]?.verdict;
    assertEquals(found.verdict, want);
  });
}

Deno.test("lookup() gives the reason of a drop and the type of a match", () => {
  const deny = entry(256, 6, 80, 16, "deny");
  const state = { entries: [deny] };
  assertEquals(lookup(state, 256, "ingress", 6, 80), {
    verdict: "deny",
    reason: 181,
    entry: deny,
    matchType: 2,
  });
  assertEquals(lookup(state, 256, "egress", 6, 80), { verdict: "deny", reason: 133 });
});
