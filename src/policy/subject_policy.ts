import type { ContainerPort } from "../cluster/object.ts";
import type { Identity } from "../identity/identity.ts";
import { portsNamed } from "../identity/named_ports.ts";
import { AUTH_TYPE, type CompiledRule, NORMAL_RANK } from "./compiled_rule.ts";
import { changedPeers, DirectionPolicy } from "./direction_policy.ts";
import type { Direction, MapStateDelta } from "./map_state.ts";
import type { PeerProfile } from "./peer_profile.ts";
import { PersistentMap } from "./persistent_map.ts";
import { PolicyDelta, type PolicyPeers } from "./policy_map_state.ts";
import type { PolicyParts } from "./policy_parts.ts";
import type { L7Conflict } from "./resolve_peer.ts";
import { EVERY_PORT } from "./rule_ports.ts";
import { exists, selectorOf } from "./selector.ts";

/** Whose policy it is. */
export interface PolicySubject {
  readonly identity: Identity;
  /** Pods share a policy only where the ports that rules name are the same. */
  readonly ports: readonly ContainerPort[];
  /** The subject is a node, not a pod. */
  readonly host: boolean;
}

/** What differs between subjects and settings, beside the rules. */
export interface SubjectSettings {
  /** The host may reach the pods that run on it. */
  readonly allowLocalhost: boolean;
}

/**
 * The host may reach the pods that run on it where something is closed for them. It
 * counts as a rule of the normal tier, so that a denial there or in the Admin tier still
 * holds. (Cilium gives it the priority 0, that of the first rule of all:
 * pkg/policy/mapstate.go, determineAllowLocalhostIngress. The two differ for Admin rules
 * only.) It does not hold for other nodes: their pods and kubelets are `remote-node`,
 * which no setting allows since `enable-remote-node-identity` has gone. The host need not
 * authenticate.
 */
const ALLOW_LOCALHOST: CompiledRule = {
  origin: {
    kind: "builtin",
    namespace: "",
    name: "allow-localhost",
    direction: "ingress",
    index: 0,
  },
  direction: "ingress",
  rank: NORMAL_RANK,
  verdict: "allow",
  subject: selectorOf([]),
  host: false,
  defaultDeny: false,
  peers: [selectorOf([exists("reserved", "host")])],
  ports: [EVERY_PORT],
  authType: AUTH_TYPE.disabled,
};

const EMPTY = PersistentMap.empty<PeerProfile>();

/** The policy of one subject, kept up to date. */
export class SubjectPolicy {
  readonly number: number;
  readonly subject: PolicySubject;
  readonly #settings: SubjectSettings;
  readonly #parts: PolicyParts;
  #directions: Record<Direction, DirectionPolicy>;
  #problem: Error | undefined;
  /** State at the last {@linkcode flush}. */
  #published: PolicyPeers | undefined;
  #enforced = { ingress: false, egress: false };
  /** Directions that have been compared as a whole since they were built. */
  readonly #flushed = new WeakSet<DirectionPolicy>();

  constructor(
    number: number,
    subject: PolicySubject,
    rules: readonly CompiledRule[],
    settings: SubjectSettings,
    parts: PolicyParts,
  ) {
    this.number = number;
    this.subject = subject;
    this.#settings = settings;
    this.#parts = parts;
    this.#directions = this.#build(rules);
  }

  /** Per direction: what no entry allows is dropped. */
  get enforced(): { readonly ingress: boolean; readonly egress: boolean } {
    const { ingress, egress } = this.#directions;
    return { ingress: ingress.enforced, egress: egress.enforced };
  }

  /** Entries by direction and peer. */
  get peers(): PolicyPeers {
    const { ingress, egress } = this.#directions;
    return { ingress: ingress.peers, egress: egress.peers };
  }

  /** Why the subject is locked down, if it is. */
  get problem(): Error | undefined {
    return this.#problem;
  }

  /** It has a {@linkcode SubjectPolicy.problem} or {@linkcode SubjectPolicy.conflicts}. */
  get isOdd(): boolean {
    const { ingress, egress } = this.#directions;
    return this.#problem !== undefined || ingress.hasConflicts || egress.hasConflicts;
  }

  /** Rules that lost against others. */
  *conflicts(): Generator<L7Conflict> {
    yield* this.#directions.ingress.conflicts;
    yield* this.#directions.egress.conflicts;
  }

  /** Computes everything again for other rules. */
  rebuild(rules: readonly CompiledRule[]): void {
    // The new users first: selectors that stay are then never without one.
    const { ingress, egress } = this.#directions;
    this.#directions = this.#build(rules);
    ingress.dispose();
    egress.dispose();
  }

  /** Notes that the named ports of a peer have changed. */
  portsChanged(peer: number): void {
    this.#directions.egress.portsChanged(peer);
  }

  /**
   * Brings the entries up to date.
   *
   * @returns what changed since the last call; `undefined` for nothing at all.
   */
  flush(): MapStateDelta | undefined {
    const { ingress, egress } = this.#directions;
    const seen = this.#flushed.has(ingress) && this.#flushed.has(egress);
    if (seen && !ingress.pending && !egress.pending) return undefined;
    const touched = { ingress: this.#flush("ingress"), egress: this.#flush("egress") };
    const before = this.#published;
    const after = this.peers;
    const enforced = this.enforced;
    const same = before !== undefined && enforced.ingress === this.#enforced.ingress &&
      enforced.egress === this.#enforced.egress;
    this.#enforced = enforced;
    if (same && before.ingress === after.ingress && before.egress === after.egress) {
      return undefined;
    }
    this.#published = after;
    const empty: PolicyPeers = { ingress: EMPTY, egress: EMPTY };
    const changed = touched.ingress.length + touched.egress.length;
    return same && changed === 0 ? undefined : new PolicyDelta(before ?? empty, after, touched);
  }

  /** Gives everything back that it holds on to. */
  dispose(): void {
    this.#directions.ingress.dispose();
    this.#directions.egress.dispose();
  }

  /** Peers that may have changed since the last flush. */
  #flush(direction: Direction): readonly number[] {
    const policy = this.#directions[direction];
    const changed = policy.flush();
    if (this.#flushed.has(policy)) return changed;
    this.#flushed.add(policy);
    return changedPeers(this.#published?.[direction] ?? EMPTY, policy.peers);
  }

  #build(rules: readonly CompiledRule[]): Record<Direction, DirectionPolicy> {
    this.#problem = undefined;
    const ingress = rules.filter(({ direction }) => direction === "ingress");
    const egress = rules.filter(({ direction }) => direction === "egress");
    return {
      ingress: this.#buildDirection("ingress", this.#withLocalhost(ingress)),
      egress: this.#buildDirection("egress", egress),
    };
  }

  #withLocalhost(rules: readonly CompiledRule[]): readonly CompiledRule[] {
    const { host } = this.subject;
    const closed = this.#parts.closed || rules.some(({ defaultDeny }) => defaultDeny);
    if (host || !closed || !this.#settings.allowLocalhost) return rules;
    return [...rules, ALLOW_LOCALHOST];
  }

  #buildDirection(direction: Direction, rules: readonly CompiledRule[]): DirectionPolicy {
    const { ports } = this.subject;
    const subject = {
      direction,
      portsNamed: (name: string, protocols: readonly number[]) =>
        portsNamed(ports, name, protocols),
    };
    try {
      return new DirectionPolicy({ ...subject, rules }, this.#parts);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      // Rules that cannot be enforced close the subject, rather than leave it open.
      this.#problem = error;
      return new DirectionPolicy({ ...subject, rules: [] }, { ...this.#parts, closed: true });
    }
  }
}
