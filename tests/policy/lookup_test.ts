import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { RuleOrigin } from "../../src/cluster/rule.ts";
import { CookieTable } from "../../src/policy/cookie.ts";
import { explain, lookup } from "../../src/policy/lookup.ts";
import {
  compareEntries,
  coversPorts,
  type MapStateEntry,
  type MapStateKey,
  prefixLengthOf,
  type Verdict,
} from "../../src/policy/map_state.ts";
import { MapStateBuilder } from "../../src/policy/map_state_builder.ts";
import { precedenceOf } from "../../src/policy/precedence.ts";
import { SEED } from "./_random.ts";

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

interface Draft {
  readonly key: MapStateKey;
  readonly verdict: Verdict;
  readonly priority: number;
  readonly origin: RuleOrigin;
}

/** Drafts of few identities and nested port blocks, so that they overlap a lot. */
const drafts = fc.array(
  fc.tuple(
    fc.constantFrom(0, 256, 257),
    fc.constantFrom([0, 0, 0], [6, 0, 0], [6, 0, 1], [6, 64, 10], [6, 80, 12], [6, 80, 16], [
      17,
      80,
      16,
    ]),
    fc.constantFrom("allow" as const, "deny" as const),
    fc.nat(2),
  ),
  { maxLength: 12 },
).map((tuples) =>
  tuples.map((
    [identity, [protocol = 0, port = 0, portPrefix = 0], verdict, priority],
    i,
  ): Draft => ({
    key: { identity, direction: "ingress", protocol, port, portPrefix },
    verdict,
    priority,
    origin: { kind: "test", namespace: "", name: `rule${i}`, direction: "ingress", index: 0 },
  }))
);

Deno.test("MapStateBuilder makes lookup() answer with the strongest of all that match", () => {
  console.log(`seed ${SEED}`);
  fc.assert(
    fc.property(drafts, (all) => {
      const builder = new MapStateBuilder();
      const cookies = new CookieTable();
      for (const d of all) builder.add(d.key, d.verdict, [d.origin], d.priority);
      const state = builder.build(cookies);
      for (const identity of [256, 257, 1]) {
        for (
          const [protocol, port] of [[6, 80], [6, 95], [6, 96], [6, 127], [6, 40000], [17, 80], [
            1,
            8,
          ]] as const
        ) {
          const point: MapStateKey = {
            identity,
            direction: "ingress",
            protocol,
            port,
            portPrefix: 16,
          };
          const matching = all.filter(({ key }) =>
            (key.identity === identity || key.identity === 0) && coversPorts(key, point)
          );
          const precedence = (d: Draft) => precedenceOf(d.verdict, d.priority);
          const strongest = Math.max(0, ...matching.map(precedence));
          const winners = matching.filter((d) => precedence(d) === strongest);
          const found = lookup(state, identity, "ingress", protocol, port);
          assertEquals("entry" in found ? found.entry.precedence : 0, strongest);
          assertEquals(found.verdict, winners[0]?.verdict ?? "deny");
          const named = explain(state, identity, "ingress", protocol, port)
            .flatMap(({ cookie }) => cookies.resolve(cookie) ?? []).map(({ name }) => name);
          assertEquals(new Set(named), new Set(winners.map(({ origin }) => origin.name)));
        }
      }
    }),
    { seed: SEED, numRuns: 500 },
  );
});

Deno.test("MapStateBuilder leaves no entry behind a stronger one that covers it", () => {
  console.log(`seed ${SEED}`);
  fc.assert(
    fc.property(drafts, (all) => {
      const builder = new MapStateBuilder();
      for (const d of all) builder.add(d.key, d.verdict, [d.origin], d.priority);
      const { entries } = builder.build(new CookieTable());
      assertEquals([...entries].sort(compareEntries), [...entries]);
      for (const inner of entries) {
        for (const outer of entries) {
          if (outer === inner || outer.identity !== inner.identity) continue;
          assertEquals(compareEntries(outer, inner) === 0, false);
          if (!coversPorts(outer, inner)) continue;
          assertEquals(outer.precedence <= inner.precedence, true);
          assertEquals(prefixLengthOf(outer) < prefixLengthOf(inner), true);
        }
      }
    }),
    { seed: SEED, numRuns: 500 },
  );
});
