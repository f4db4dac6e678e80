import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  type CompiledRule,
  NORMAL_RANK,
  type PortKey,
  type Rank,
  TIER,
} from "../../src/policy/compiled_rule.ts";
import { coversPorts, prefixLengthOf } from "../../src/policy/map_state.ts";
import { Ranking } from "../../src/policy/ranking.ts";
import {
  type Decision,
  type Defaults,
  type L7Conflict,
  resolvePeer,
  type RuleAtPort,
} from "../../src/policy/resolve_peer.ts";
import { selectorOf } from "../../src/policy/selector.ts";
import { SEED } from "./_random.ts";

type Written = Pick<RuleAtPort, "key" | "l7"> & {
  readonly rank: Rank;
  readonly verdict: CompiledRule["verdict"];
  readonly name: string;
};

function ruleAt({ rank, verdict, name, key, l7 }: Written, ranking: Ranking): RuleAtPort {
  const origin = { kind: "test", namespace: "", name, direction: "ingress" as const, index: 0 };
  const rule: CompiledRule = {
    origin,
    direction: "ingress",
    rank,
    verdict,
    subject: selectorOf([]),
    host: false,
    defaultDeny: true,
    peers: "all",
    ports: [key],
  };
  return { rule, level: ranking.levelOf(rank), key, l7, specific: false };
}

function resolve(
  written: readonly Written[],
  defaults: Defaults = { closedByRules: true, closedByMode: false },
): { decisions: Decision[]; conflicts: L7Conflict[] } {
  const ranking = new Ranking(written);
  const conflicts: L7Conflict[] = [];
  const decisions = resolvePeer({
    rules: written.map((rule) => ruleAt(rule, ranking)),
    ranking,
    defaults,
    onConflict: (conflict) => conflicts.push(conflict),
  });
  return { decisions, conflicts };
}

const KEYS: readonly PortKey[] = [
  { protocol: 0, port: 0, portPrefix: 0 },
  { protocol: 6, port: 0, portPrefix: 0 },
  { protocol: 6, port: 0, portPrefix: 1 },
  { protocol: 6, port: 64, portPrefix: 10 },
  { protocol: 6, port: 80, portPrefix: 12 },
  { protocol: 6, port: 80, portPrefix: 16 },
  { protocol: 17, port: 80, portPrefix: 16 },
];

const RANKS: readonly Rank[] = [
  { tier: TIER.ADMIN, priority: 0, index: 0 },
  { tier: TIER.ADMIN, priority: 0, index: 1 },
  { tier: TIER.ADMIN, priority: 7, index: 0 },
  NORMAL_RANK,
  { tier: TIER.BASELINE, priority: 0, index: 0 },
];

const rules = fc.array(
  fc.record({
    key: fc.constantFrom(...KEYS),
    rank: fc.constantFrom(...RANKS),
    verdict: fc.constantFrom("allow" as const, "deny" as const, "pass" as const),
  }),
  { maxLength: 10 },
).map((all) =>
  all.map(({ key, rank, verdict }, i): Written => ({
    key,
    rank,
    // There is no Pass among rules without tiers.
    verdict: rank.tier === TIER.NORMAL && verdict === "pass" ? "allow" : verdict,
    l7: undefined,
    name: `rule${i}`,
  }))
);

const defaults = fc.record({ closedByRules: fc.boolean(), closedByMode: fc.boolean() });

const POINTS = [[6, 80], [6, 95], [6, 96], [6, 127], [6, 40000], [17, 80], [1, 8]] as const;

Deno.test("resolvePeer() answers the longest match with what the tiers say in order", () => {
  console.log(`seed ${SEED}`);
  fc.assert(
    fc.property(rules, defaults, (all, closed) => {
      const { decisions } = resolve(all, closed);
      for (const [protocol, port] of POINTS) {
        const point = { protocol, port, portPrefix: 16 };
        const found = decisions.filter(({ key }) => coversPorts(keyOf(key), keyOf(point)))
          .sort((a, b) => prefixLengthOf(keyOf(b.key)) - prefixLengthOf(keyOf(a.key)))[0];
        const want = inOrder(all, closed, point);
        const covered = all.some(({ key }) => coversPorts(keyOf(key), keyOf(point)));
        // Without an entry it is denied, or decided by the entries for every peer.
        if (found !== undefined || covered) assertEquals(found?.verdict ?? "deny", want);
      }
    }),
    { seed: SEED, numRuns: 500 },
  );
});

Deno.test("resolvePeer() never puts a weaker entry inside a stronger one", () => {
  console.log(`seed ${SEED}`);
  fc.assert(
    fc.property(rules, defaults, (all, closed) => {
      const { decisions } = resolve(all, closed);
      for (const inner of decisions) {
        for (const outer of decisions) {
          if (outer === inner || !coversPorts(keyOf(outer.key), keyOf(inner.key))) continue;
          assertEquals(outer.precedence <= inner.precedence, true);
          assertEquals(prefixLengthOf(keyOf(outer.key)) < prefixLengthOf(keyOf(inner.key)), true);
        }
      }
    }),
    { seed: SEED, numRuns: 500 },
  );
});

/** The tiers one after the other, for one flow; the text of the semantics and nothing else. */
function inOrder(all: readonly Written[], closed: Defaults, point: PortKey): "allow" | "deny" {
  for (const tier of [TIER.ADMIN, TIER.NORMAL, TIER.BASELINE]) {
    const matching = all.filter(({ rank, key }) =>
      rank.tier === tier && coversPorts(keyOf(key), keyOf(point))
    );
    const order = ({ rank }: Written) => rank.priority * 100 + rank.index;
    const first = Math.min(...matching.map(order));
    const verdicts = matching.filter((rule) => order(rule) === first).map((r) => r.verdict);
    if (verdicts.includes("deny")) return "deny";
    if (verdicts.includes("allow")) return "allow";
    if (tier === TIER.NORMAL && closed.closedByRules) return "deny";
  }
  return closed.closedByMode ? "deny" : "allow";
}

function keyOf(key: PortKey) {
  return { identity: 0, direction: "ingress" as const, ...key };
}

const TCP_80: PortKey = { protocol: 6, port: 80, portPrefix: 16 };
const EVERY: PortKey = { protocol: 0, port: 0, portPrefix: 0 };
const HTTP = { rules: { kind: "http" as const, rules: [{ method: "GET" }] } };
const DNS = { rules: { kind: "dns" as const, rules: [{ matchName: "a.io" }] } };
const ALLOW = { rank: NORMAL_RANK, verdict: "allow" as const, l7: undefined };

Deno.test("resolvePeer() opens a redirect that another rule allows without conditions", () => {
  const { decisions } = resolve([
    { ...ALLOW, name: "l7", key: TCP_80, l7: HTTP },
    { ...ALLOW, name: "l3", key: EVERY },
  ]);
  assertEquals(
    decisions.map(({ verdict, redirect, origins }) => [
      verdict,
      redirect?.open,
      origins.map(({ name }) => name).join(),
    ]),
    [["allow", undefined, "l3"], ["redirect", true, "l3,l7"]],
  );
});

Deno.test("resolvePeer() lets the older policy have the port, and names both", () => {
  const { decisions, conflicts } = resolve([
    { ...ALLOW, name: "b", key: TCP_80, l7: DNS },
    { ...ALLOW, name: "a", key: TCP_80, l7: HTTP },
  ]);
  assertEquals(decisions.map(({ redirect }) => redirect?.demands), [[HTTP]]);
  assertEquals(conflicts.map(({ winner, loser }) => [winner.origin.name, loser.origin.name]), [
    ["a", "b"],
  ]);
});

Deno.test("resolvePeer() denies explicitly what was passed on and nothing allows", () => {
  const { decisions } = resolve([
    { name: "pass", rank: RANKS[0] ?? NORMAL_RANK, verdict: "pass", key: TCP_80, l7: undefined },
    { name: "all", rank: RANKS[2] ?? NORMAL_RANK, verdict: "allow", key: EVERY, l7: undefined },
  ]);
  assertEquals(decisions.map(({ verdict, origins }) => [verdict, origins[0]?.name]), [
    ["allow", "all"],
    ["deny", "default-deny"],
  ]);
});
