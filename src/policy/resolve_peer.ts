/**
 * What a set of rules says of one peer: the heart of the engine.
 *
 * The keys of all rules are aligned blocks of ports, so any two of them are nested or
 * apart. For each key the rules that cover it are weighed once, tier by tier; every flow
 * that has this key as its longest match is covered by exactly those rules. The entries
 * are canonical (see `map_state.ts`) without further work: a longer key is covered by
 * the same rules and more, so it is decided at the same level or an earlier one.
 *
 * @module
 */
import type { RuleOrigin } from "../cluster/rule.ts";
import { type CompiledRule, type L7Demand, type PortKey, TIER } from "./compiled_rule.ts";
import { authTypeOf } from "./authentication.ts";
import { PORT_BITS, PROTOCOL, type Verdict } from "./map_state.ts";
import { precedenceOf } from "./precedence.ts";
import type { Ranking } from "./ranking.ts";
import { redirectKindOf } from "./redirect.ts";
import { EVERY_PORT } from "./rule_ports.ts";

/** A rule at one of its ports. */
export interface RuleAtPort {
  readonly rule: CompiledRule;
  /** Level of the rule within its tier. */
  readonly level: number;
  readonly key: PortKey;
  readonly l7: L7Demand | undefined;
  /** The rule names the peer, instead of being for every peer. */
  readonly specific: boolean;
}

/** What holds where no rule decides. */
export interface Defaults {
  /** What nothing allows is denied once the normal tier is through. */
  readonly closedByRules: boolean;
  /** What nothing allows is denied once every tier is through. */
  readonly closedByMode: boolean;
}

/** An entry without peer and direction, its rules and demands not yet numbered. */
export interface Decision {
  readonly key: PortKey;
  readonly verdict: Verdict;
  readonly precedence: number;
  readonly origins: readonly RuleOrigin[];
  readonly authType: number;
  /** Of a redirect: what is asked above the transport, and whether all of it is open. */
  readonly redirect?: { readonly demands: readonly L7Demand[]; readonly open: boolean };
}

/** Two rules ask a proxy for different protocols on the same flows; the younger one loses. */
export interface L7Conflict {
  readonly winner: CompiledRule;
  readonly loser: CompiledRule;
}

/** Why what nothing allows is denied even though a `Pass` rule sent it on. */
export const DEFAULT_DENY: Omit<RuleOrigin, "direction"> = {
  kind: "builtin",
  namespace: "",
  name: "default-deny",
  index: 0,
};

/** What {@linkcode resolvePeer} is given. */
export interface PeerInput {
  /** Every rule that matches the peer, at each of its ports. */
  readonly rules: readonly RuleAtPort[];
  readonly ranking: Ranking;
  readonly defaults: Defaults;
  /** Keys to decide beside those of the rules. */
  readonly extraKeys?: readonly PortKey[];
  /** Rules that lose a conflict; each pair is told at least once. */
  readonly onConflict: (conflict: L7Conflict) => void;
}

/** Decides every key of the rules; ascending by protocol, port and prefix. */
export function resolvePeer(input: PeerInput): Decision[] {
  const places = new Map<number, RuleAtPort[]>();
  const keys = new Map<number, PortKey>();
  for (const key of input.extraKeys ?? []) keys.set(placeOf(key), key);
  for (const item of input.rules) {
    const place = placeOf(item.key);
    const items = places.get(place);
    if (items === undefined) places.set(place, [item]);
    else items.push(item);
    keys.set(place, item.key);
  }
  return [...keys.entries()].sort(([a], [b]) => a - b).flatMap(([, key]) => {
    const decision = decide(key, covering(places, key), input);
    return decision === undefined ? [] : [decision];
  });
}

function decide(
  key: PortKey,
  rules: readonly RuleAtPort[],
  { ranking, defaults, onConflict }: PeerInput,
): Decision | undefined {
  const walk = ranking.start();
  let passed: CompiledRule | undefined;
  while (walk.tier <= TIER.BASELINE) {
    const { tier } = walk;
    const first = firstLevel(rules, tier);
    const [one] = first;
    if (one === undefined) walk.leave();
    else {
      const denials = first.filter(({ rule }) => rule.verdict === "deny");
      if (denials.length > 0) {
        return denial(key, denials.map(({ rule }) => rule.origin), walk.priorityOf(one.level));
      }
      const allowances = first.filter(({ rule }) => rule.verdict === "allow");
      if (allowances.length > 0) {
        const open = !defaults.closedByRules && !defaults.closedByMode;
        return allowance(key, allowances, walk.priorityOf(one.level), open, onConflict);
      }
      walk.pass(one.level);
      passed = one.rule;
    }
    // The tiers below are for subjects that this one leaves open.
    if (tier === TIER.NORMAL && defaults.closedByRules) break;
  }
  if (!defaults.closedByRules && !defaults.closedByMode) {
    const priority = passed === undefined ? ranking.defaultAllowPriority(walk) : walk.priority;
    return { key, verdict: "allow", precedence: precedenceOf("allow", priority), ...NOTHING };
  }
  // Without an entry it is denied anyway; behind a pass something else might match.
  if (passed === undefined) return undefined;
  return denial(key, [{ ...DEFAULT_DENY, direction: passed.direction }], walk.priority);
}

const NOTHING = { origins: [], authType: 0 } as const;

function denial(key: PortKey, origins: readonly RuleOrigin[], priority: number): Decision {
  return { key, verdict: "deny", precedence: precedenceOf("deny", priority), origins, authType: 0 };
}

function allowance(
  key: PortKey,
  rules: readonly RuleAtPort[],
  priority: number,
  open: boolean,
  onConflict: PeerInput["onConflict"],
): Decision {
  const kept = settleConflicts(rules, onConflict);
  const demands = kept.flatMap(({ l7 }) => l7 === undefined ? [] : [l7]);
  const shared = {
    key,
    origins: kept.map(({ rule }) => rule.origin),
    authType: authTypeOf(kept),
  };
  if (demands.length === 0) {
    return { ...shared, verdict: "allow", precedence: precedenceOf("allow", priority) };
  }
  const listeners = demands.flatMap(({ listener }) => listener?.priority ?? []);
  const listenerPriority = listeners.length === 0 ? 0 : Math.min(...listeners);
  return {
    ...shared,
    verdict: "redirect",
    precedence: precedenceOf("redirect", priority, listenerPriority),
    redirect: { demands, open: open || kept.length > demands.length },
  };
}

/**
 * A port has one proxy: that of the oldest policy, then the first by namespace and name,
 * then its first rule; of a rule that contradicts itself the first protocol by name. What
 * others ask for is as if it were not there.
 */
function settleConflicts(
  rules: readonly RuleAtPort[],
  onConflict: PeerInput["onConflict"],
): readonly RuleAtPort[] {
  const asking = rules.filter(({ l7 }) => l7 !== undefined);
  if (asking.length < 2) return rules;
  const [winner] = asking.toSorted((a, b) => compareAge(a.rule, b.rule) || compareKinds(a, b));
  const kind = winner?.l7 && redirectKindOf(winner.l7);
  return rules.filter(({ rule, l7 }) => {
    if (winner === undefined || l7 === undefined || redirectKindOf(l7) === kind) return true;
    onConflict({ winner: winner.rule, loser: rule });
    return false;
  });
}

function compareAge(a: CompiledRule, b: CompiledRule): number {
  const [x, y] = [a.createdAt ?? Infinity, b.createdAt ?? Infinity];
  if (x !== y) return x < y ? -1 : 1;
  const name = ({ origin }: CompiledRule) => `${origin.namespace}/${origin.name}`;
  if (name(a) !== name(b)) return name(a) < name(b) ? -1 : 1;
  return a.origin.index - b.origin.index;
}

function compareKinds(a: RuleAtPort, b: RuleAtPort): number {
  const kind = ({ l7 }: RuleAtPort) => l7 === undefined ? "" : redirectKindOf(l7);
  return kind(a) < kind(b) ? -1 : kind(a) > kind(b) ? 1 : 0;
}

const NO_RULES: readonly RuleAtPort[] = [];

/** The rules of a tier that are decided first. */
function firstLevel(rules: readonly RuleAtPort[], tier: number): readonly RuleAtPort[] {
  let lowest = Infinity;
  for (const { rule, level } of rules) {
    if (rule.rank.tier === tier && level < lowest) lowest = level;
  }
  if (lowest === Infinity) return NO_RULES;
  return rules.filter(({ rule, level }) => level === lowest && rule.rank.tier === tier);
}

/** The rules whose keys cover this one: at most 18 places to look at. */
function covering(
  places: ReadonlyMap<number, readonly RuleAtPort[]>,
  key: PortKey,
): readonly RuleAtPort[] {
  const rules = [...places.get(placeOf(EVERY_PORT)) ?? []];
  if (key.protocol === PROTOCOL.ANY) return rules;
  for (let portPrefix = 0; portPrefix <= key.portPrefix; portPrefix++) {
    const port = key.port & ~((1 << (PORT_BITS - portPrefix)) - 1);
    const items = places.get(placeOf({ protocol: key.protocol, port, portPrefix }));
    if (items !== undefined) rules.push(...items);
  }
  return rules;
}

/** Packs protocol (8 bits), port (16) and prefix (5) into one number, in canonical order. */
function placeOf({ protocol, port, portPrefix }: PortKey): number {
  return (protocol * 0x10000 + port) * 32 + portPrefix;
}
