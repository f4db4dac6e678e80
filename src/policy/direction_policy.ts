import type { CompiledRule, NamedRulePort, PortKey, RulePort } from "./compiled_rule.ts";
import type { Direction } from "./map_state.ts";
import { compareProfiles, makeProfile, type PeerProfile, releaseProfile } from "./peer_profile.ts";
import { type PersistentMap, PersistentMapEditor } from "./persistent_map.ts";
import type { PolicyParts } from "./policy_parts.ts";
import { Ranking } from "./ranking.ts";
import { type Defaults, type L7Conflict, resolvePeer, type RuleAtPort } from "./resolve_peer.ts";
import { EVERY_PORT } from "./rule_ports.ts";
import { portNameSelector, type Selector } from "./selector.ts";
import type { CachedSelector, SelectorUser } from "./selector_cache.ts";

/** A rule (or the part of it with named ports) as one of a policy's rules. */
interface Member {
  readonly rule: CompiledRule;
  readonly level: number;
  /** `all` for every peer. */
  readonly peers: "all" | readonly CachedSelector[];
  readonly ports: readonly RulePort[];
  /** Ports whose numbers depend on the peer. */
  readonly namedPorts: readonly NamedRulePort[];
  /** What it says of a peer depends on the other rules for that peer. */
  readonly special: boolean;
}

interface SharedProfile {
  readonly profile: PeerProfile;
  references: number;
}

/** Members that may have come to select a peer, and that may have ceased to. */
interface PendingMembers {
  joined: number[] | undefined;
  left: number[] | undefined;
}

/**
 * Profiles to keep for peers to come: where pods come and go, an identity is often
 * followed by one that the same rules select.
 */
const MAX_UNUSED_PROFILES = 64;

const NOBODY: readonly number[] = [];

/** What a {@linkcode DirectionPolicy} is about. */
export interface DirectionSubject {
  readonly direction: Direction;
  /** Every rule of the direction that selects the subject. */
  readonly rules: readonly CompiledRule[];
  /** Ports of the subject by name, for ingress. */
  portsNamed(name: string, protocols: readonly number[]): readonly PortKey[];
}

/**
 * One direction of one policy, kept up to date: peers and their entries.
 *
 * The rules that select a peer are its *signature*; peers of one signature share their
 * entries. So a change of what a selector selects costs a step per peer and rule that
 * it concerns, and entries are computed only for signatures that were not there yet.
 */
export class DirectionPolicy implements SelectorUser {
  readonly direction: Direction;
  readonly defaults: Defaults;
  readonly #parts: PolicyParts;
  readonly #ranking: Ranking;
  readonly #members: readonly Member[];
  readonly #selectors: readonly CachedSelector[];
  readonly #membersOf = new Map<CachedSelector, number[]>();
  readonly #broad: readonly Member[];
  /** Some member has ports whose numbers depend on the peer. */
  readonly #hasNames: boolean;
  readonly #conflicts = new Map<string, L7Conflict>();
  /** Members that select a peer, ascending. */
  readonly #signatures = new Map<number, readonly number[]>();
  readonly #profiles = new Map<string, SharedProfile>();
  /** Name of the shared profile that each peer has. */
  readonly #profileOf = new Map<number, string>();
  /** Peers to look at, with the members that came to select them or ceased to. */
  readonly #pending = new Map<number, PendingMembers>();
  /** Names of profiles that no peer has, the longest unused first. */
  readonly #unused = new Set<string>();
  readonly #peers = new PersistentMapEditor<PeerProfile>();

  /** @throws {RangeError} when the rules need more priorities than there are. */
  constructor(subject: DirectionSubject, parts: PolicyParts) {
    const { direction, rules } = subject;
    this.direction = direction;
    this.#parts = parts;
    this.defaults = {
      closedByRules: rules.some(({ defaultDeny }) => defaultDeny),
      closedByMode: parts.closed,
    };
    this.#ranking = new Ranking(rules);
    const wanted = rules.flatMap((rule) => split(rule, subject));
    this.#selectors = parts.selectors.add(
      wanted.flatMap(({ peers }) => peers === "all" ? [] : peers),
      this,
    );
    let next = 0;
    this.#members = wanted.map(({ peers, ...rest }, index): Member => {
      const cached = peers === "all" ? peers : this.#selectors.slice(next, next += peers.length);
      for (const selector of cached === "all" ? [] : cached) this.#use(selector, index);
      return { ...rest, peers: cached, level: this.#ranking.levelOf(rest.rule.rank) };
    });
    this.#broad = this.#members.filter(({ peers }) => peers === "all");
    this.#hasNames = this.#members.some(({ namedPorts }) => namedPorts.length > 0);
    try {
      this.#start();
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  /** Entries of every peer that has any, those for every peer under the broad identity. */
  get peers(): PersistentMap<PeerProfile> {
    return this.#peers.publish();
  }

  /** What nothing allows is dropped. */
  get enforced(): boolean {
    return this.defaults.closedByRules || this.defaults.closedByMode;
  }

  /** Rules that lost against others on some peer, while they are in force. */
  get conflicts(): Iterable<L7Conflict> {
    return this.#conflicts.values();
  }

  get hasConflicts(): boolean {
    return this.#conflicts.size > 0;
  }

  selectionChanged(
    selector: CachedSelector,
    added: readonly number[],
    deleted: readonly number[],
  ): void {
    const members = this.#membersOf.get(selector) ?? [];
    for (const peer of added) (this.#pendingOf(peer).joined ??= []).push(...members);
    for (const peer of deleted) (this.#pendingOf(peer).left ??= []).push(...members);
  }

  /** There is something for {@linkcode DirectionPolicy.flush} to do. */
  get pending(): boolean {
    return this.#pending.size > 0;
  }

  /** Notes that the named ports of a peer have changed. */
  portsChanged(peer: number): void {
    const signature = this.#signatures.get(peer) ?? [];
    if (signature.some((i) => (this.#members[i]?.namedPorts.length ?? 0) > 0)) {
      this.#pendingOf(peer);
    }
  }

  /** Brings the entries up to date and returns the peers whose entries changed, ascending. */
  flush(): readonly number[] {
    if (this.#pending.size === 0) return NOBODY;
    const peers = [...this.#pending.keys()].sort((a, b) => a - b);
    const changed = peers.filter((peer) => this.#update(peer));
    this.#pending.clear();
    return changed;
  }

  /** Gives everything back that it holds on to. Its `peers` stay as they are. */
  dispose(): void {
    this.#parts.selectors.remove(this.#selectors, this);
    for (const { profile } of this.#profiles.values()) releaseProfile(profile, this.#parts);
    this.#profiles.clear();
  }

  #use(selector: CachedSelector, index: number): void {
    const members = this.#membersOf.get(selector);
    if (members === undefined) this.#membersOf.set(selector, [index]);
    else if (members.at(-1) !== index) members.push(index);
  }

  #start(): void {
    const { selectors, profile: version } = this.#parts;
    const { current } = selectors;
    for (const [selector, members] of this.#membersOf) {
      for (const peer of current.idsOf(selector)) {
        (this.#pendingOf(peer).joined ??= []).push(...members);
      }
    }
    const broad = version.broadOf(0, this.direction);
    const profile = this.#resolve([], broad, "broad");
    if (profile.entries.length > 0) this.#peers.set(broad, profile);
    this.flush();
  }

  #pendingOf(peer: number): PendingMembers {
    let pending = this.#pending.get(peer);
    if (pending === undefined) {
      this.#pending.set(peer, pending = { joined: undefined, left: undefined });
    }
    return pending;
  }

  /** Members that select a peer now; `undefined` for none. */
  #settle(peer: number): readonly number[] | undefined {
    const { joined = [], left } = this.#pending.get(peer) ?? {};
    const before = this.#signatures.get(peer);
    if (joined.length === 0 && left === undefined) return before;
    if (joined.length === 1 && before === undefined && left === undefined) {
      this.#signatures.set(peer, joined);
      return joined;
    }
    const members = new Set(before);
    for (const index of joined) members.add(index);
    // What joined by one selector may have left by it again before anybody looked.
    if (left !== undefined) {
      for (const index of [...left, ...joined]) {
        if (!this.#isSelected(peer, index)) members.delete(index);
      }
    }
    if (members.size === 0) {
      this.#signatures.delete(peer);
      return undefined;
    }
    const signature = [...members].sort((a, b) => a - b);
    this.#signatures.set(peer, signature);
    return signature;
  }

  #isSelected(peer: number, index: number): boolean {
    const peers = this.#members[index]?.peers ?? [];
    const { current } = this.#parts.selectors;
    return peers !== "all" && peers.some((selector) => current.has(selector, peer));
  }

  #update(peer: number): boolean {
    const old = this.#profileOf.get(peer);
    const before = this.#peers.get(peer);
    const signature = this.#settle(peer);
    const name = signature === undefined ? undefined : this.#nameOf(signature, peer);
    if (old === name) return false;
    const profile = signature === undefined || name === undefined
      ? undefined
      : this.#resolve(signature, peer, name);
    if (name === undefined) this.#profileOf.delete(peer);
    else this.#profileOf.set(peer, name);
    if (profile === undefined || profile.entries.length === 0) this.#peers.delete(peer);
    else this.#peers.set(peer, profile);
    if (old !== undefined) this.#release(old);
    return (before?.text ?? "") !== (profile?.text ?? "");
  }

  /** Name of a profile: the signature, and the numbers of named ports where they count. */
  #nameOf(signature: readonly number[], peer: number): string {
    if (!this.#hasNames) return signature.join(",");
    const ports = signature.flatMap((index) => {
      const member = this.#members[index];
      return member === undefined ? [] : this.#named(member, peer);
    });
    const numbers = ports.map(({ key }) => `${key.protocol}:${key.port}`);
    return `${signature.join(",")} ${numbers.join(",")}`;
  }

  #resolve(signature: readonly number[], peer: number, name: string): PeerProfile {
    const known = this.#profiles.get(name);
    if (known !== undefined) {
      known.references++;
      this.#unused.delete(name);
      return known.profile;
    }
    const own = signature.flatMap((index) => this.#members[index] ?? []);
    // Priorities, proxies and authentication are settled among all rules that match a
    // flow; the datapath's two lookups cannot do that, so the peer gets entries of its own.
    const alone = own.length > 0 && !own.some(isSpecial) && !this.#broad.some(isSpecial);
    const rules = (alone ? own : [...own, ...this.#broad]).flatMap((m) => this.#atPorts(m, peer));
    const decisions = resolvePeer({
      rules,
      ranking: this.#ranking,
      defaults: this.defaults,
      extraKeys: own.length === 0 && !this.enforced ? [EVERY_PORT] : [],
      onConflict: (conflict) => this.#noteConflict(conflict),
    });
    const kept = alone || own.length === 0 ? withoutRepetition(decisions) : decisions;
    const profile = makeProfile(kept, this.direction, this.#parts);
    this.#profiles.set(name, { profile, references: 1 });
    return profile;
  }

  #atPorts(member: Member, peer: number): RuleAtPort[] {
    const { rule, level, peers, ports } = member;
    const specific = peers !== "all";
    return [
      ...ports.map(({ l7, ...key }): RuleAtPort => ({ rule, level, key, l7, specific })),
      ...this.#named(member, peer),
    ];
  }

  #named({ rule, level, peers, namedPorts }: Member, peer: number): RuleAtPort[] {
    const { namedPorts: table } = this.#parts;
    const all = rule.verdict === "deny";
    return namedPorts.flatMap(({ name, protocols, l7 }) =>
      table.resolve(peer, name, protocols, all).map((key): RuleAtPort => ({
        rule,
        level,
        key,
        l7,
        specific: peers !== "all",
      }))
    );
  }

  #release(name: string): void {
    const shared = this.#profiles.get(name);
    if (shared === undefined || --shared.references > 0) return;
    this.#unused.add(name);
    if (this.#unused.size <= MAX_UNUSED_PROFILES) return;
    for (const oldest of this.#unused) {
      const { profile } = this.#profiles.get(oldest) ?? shared;
      this.#unused.delete(oldest);
      this.#profiles.delete(oldest);
      releaseProfile(profile, this.#parts);
      return;
    }
  }

  #noteConflict(conflict: L7Conflict): void {
    const { winner: { origin: w }, loser: { origin: l } } = conflict;
    const name = `${w.namespace}/${w.name} ${w.index} ${l.namespace}/${l.name} ${l.index}`;
    this.#conflicts.set(name, conflict);
  }
}

/** Entries of both directions that changed between two versions of a policy's peers. */
export function changedPeers(
  before: PersistentMap<PeerProfile>,
  after: PersistentMap<PeerProfile>,
): number[] {
  const peers = new Set([...before.keys(), ...after.keys()]);
  return [...peers].sort((a, b) => a - b).filter((peer) => {
    const { added, removed } = compareProfiles(before.get(peer), after.get(peer));
    return added.length > 0 || removed.length > 0;
  });
}

function isSpecial({ special }: Member): boolean {
  return special;
}

type WantedMember = Omit<Member, "peers" | "level"> & { peers: "all" | readonly Selector[] };

/** The parts of a rule that differ in how their ports are known. */
function split(rule: CompiledRule, subject: DirectionSubject): WantedMember[] {
  const { peers, ports, namedPorts = [] } = rule;
  // An explicit 0 counts only beside a rule that asks for more.
  const special = rule.verdict === "pass" || (rule.authType ?? 0) > 0 ||
    [...ports, ...namedPorts].some(({ l7 }) => l7 !== undefined);
  const member = { rule, peers, ports, namedPorts: [], special };
  if (namedPorts.length === 0) return [member];
  if (subject.direction === "ingress") {
    const numbered = namedPorts.flatMap(({ name, protocols, l7 }) =>
      subject.portsNamed(name, protocols).map((key) => ({ ...key, ...(l7 && { l7 }) }))
    );
    return [{ ...member, ports: [...ports, ...numbered] }];
  }
  if (peers !== "all") return [{ ...member, namedPorts }];
  const names = [...new Set(namedPorts.map(({ name }) => name))];
  return [
    ...(ports.length === 0 ? [] : [member]),
    { ...member, peers: names.map(portNameSelector), ports: [], namedPorts },
  ];
}

/** Leaves out what the next wider entry says as well, the rules behind it included. */
function withoutRepetition<T extends ReturnType<typeof resolvePeer>[number]>(
  decisions: readonly T[],
): readonly T[] {
  const kept: T[] = [];
  const open: T[] = [];
  for (const decision of decisions) {
    while (open.length > 0 && !covers(open.at(-1)?.key, decision.key)) open.pop();
    const wider = open.at(-1);
    if (wider !== undefined && sayTheSame(wider, decision)) continue;
    kept.push(decision);
    open.push(decision);
  }
  return kept;
}

function covers(outer: PortKey | undefined, inner: PortKey): boolean {
  if (outer === undefined) return false;
  if (outer.protocol === 0) return true;
  if (outer.protocol !== inner.protocol || outer.portPrefix > inner.portPrefix) return false;
  return inner.port < outer.port + (1 << (16 - outer.portPrefix)) && inner.port >= outer.port;
}

function sayTheSame<T extends ReturnType<typeof resolvePeer>[number]>(a: T, b: T): boolean {
  return a.verdict === b.verdict && a.precedence === b.precedence && a.authType === b.authType &&
    a.redirect === undefined && b.redirect === undefined &&
    a.origins.length === b.origins.length && a.origins.every((o, i) => o === b.origins[i]);
}
