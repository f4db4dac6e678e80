import type { ContainerPort } from "../cluster/object.ts";
import { type Identity, sameIdentity } from "../identity/identity.ts";
import type { CompiledRule } from "./compiled_rule.ts";
import type { MapStateDelta } from "./map_state.ts";
import { NumberPool } from "./number_pool.ts";
import type { PolicyParts } from "./policy_parts.ts";
import { selects } from "./selector.ts";
import { SubjectPolicy, type SubjectSettings } from "./subject_policy.ts";

/** Finds the rules that select a subject. */
export interface RuleSource {
  rulesFor(labels: Identity["labels"]): readonly CompiledRule[];
}

/** An endpoint, as far as its policy is concerned. */
export interface PolicyEndpoint {
  readonly identity: Identity;
  readonly ports: readonly ContainerPort[];
  /** It is a node. */
  readonly host: boolean;
}

/** What became of a policy. */
export interface PolicyChange {
  readonly policy: SubjectPolicy;
  /** Entries that changed; `undefined` when the policy is gone. */
  readonly delta: MapStateDelta | undefined;
}

/** Endpoints of one identity: the same rules select them. */
interface Subject {
  readonly identity: Identity;
  readonly host: boolean;
  rules: readonly CompiledRule[];
  readonly endpoints: Map<string, PolicyEndpoint>;
  /** Policies by the ports that their rules name. */
  readonly policies: Map<string, SubjectPolicy>;
}

/**
 * The policies of the local endpoints. Endpoints share one when their identity is equal,
 * what the port names in ingress rules mean for them, and whether they are nodes.
 */
export class PolicySet {
  readonly #rules: RuleSource;
  readonly #settings: SubjectSettings;
  readonly #parts: PolicyParts;
  readonly #subjects = new Map<string, Subject>();
  readonly #subjectOf = new Map<string, string>();
  readonly #policyOf = new Map<string, SubjectPolicy>();
  readonly #policies = new Set<SubjectPolicy>();
  readonly #numbers = new NumberPool(1);
  readonly #rulesDirty = new Set<Subject>();
  readonly #endpointsDirty = new Set<Subject>();
  #gone: SubjectPolicy[] = [];

  constructor(rules: RuleSource, settings: SubjectSettings, parts: PolicyParts) {
    this.#rules = rules;
    this.#settings = settings;
    this.#parts = parts;
  }

  /** Every policy, in no order. */
  get policies(): ReadonlySet<SubjectPolicy> {
    return this.#policies;
  }

  /** Returns the policy of an endpoint; after {@linkcode update} every endpoint has one. */
  policyOf(endpoint: string): SubjectPolicy | undefined {
    return this.#policyOf.get(endpoint);
  }

  /** Notes that an endpoint is there, has changed, or (`undefined`) is gone. */
  setEndpoint(name: string, endpoint: PolicyEndpoint | undefined): void {
    const before = this.#subjectOf.get(name);
    const after = endpoint === undefined ? undefined : subjectName(endpoint);
    const old = before === undefined ? undefined : this.#subjects.get(before);
    if (old !== undefined) {
      old.endpoints.delete(name);
      this.#endpointsDirty.add(old);
    }
    if (endpoint === undefined || after === undefined) {
      this.#subjectOf.delete(name);
      this.#policyOf.delete(name);
      return;
    }
    this.#subjectOf.set(name, after);
    const subject = this.#subjectFor(after, endpoint);
    subject.endpoints.set(name, endpoint);
    this.#endpointsDirty.add(subject);
  }

  /** Notes that rules came or went: the subjects that they select are computed again. */
  rulesChanged(rules: readonly CompiledRule[]): void {
    if (rules.length === 0) return;
    for (const subject of this.#subjects.values()) {
      const { labels } = subject.identity;
      if (rules.some((r) => r.host === subject.host && selects(r.subject, labels))) {
        this.#rulesDirty.add(subject);
      }
    }
  }

  /** Notes that the named ports of a peer have changed. */
  portsChanged(peer: number): void {
    for (const policy of this.#policies) policy.portsChanged(peer);
  }

  /** Computes what was noted, up to the selectors' users; {@linkcode flush} does the rest. */
  update(): void {
    for (const subject of this.#rulesDirty) {
      subject.rules = this.#rulesOf(subject);
      for (const policy of subject.policies.values()) policy.rebuild(subject.rules);
      this.#endpointsDirty.add(subject);
    }
    this.#rulesDirty.clear();
    for (const subject of this.#endpointsDirty) this.#place(subject);
    this.#endpointsDirty.clear();
  }

  /** Brings all policies up to date and returns those that changed. */
  flush(): PolicyChange[] {
    const changes: PolicyChange[] = this.#gone.map((policy) => ({ policy, delta: undefined }));
    this.#gone = [];
    for (const policy of this.#policies) {
      const delta = policy.flush();
      if (delta !== undefined) changes.push({ policy, delta });
    }
    return changes;
  }

  #subjectFor(name: string, { identity, host }: PolicyEndpoint): Subject {
    const known = this.#subjects.get(name);
    if (known !== undefined && sameIdentity(known.identity, identity)) return known;
    // A number that came back with other labels is another subject.
    if (known !== undefined) this.#drop(name, known);
    const subject: Subject = {
      identity,
      host,
      rules: [],
      endpoints: new Map(),
      policies: new Map(),
    };
    subject.rules = this.#rulesOf(subject);
    this.#subjects.set(name, subject);
    return subject;
  }

  #rulesOf({ identity, host }: Subject): readonly CompiledRule[] {
    return this.#rules.rulesFor(identity.labels).filter((rule) => rule.host === host);
  }

  /** Gives each endpoint of a subject its policy, and drops the policies without one. */
  #place(subject: Subject): void {
    const name = subjectName(subject);
    const unused = new Set(subject.policies.keys());
    const names = namesOf(subject.rules);
    for (const [endpoint, { ports }] of subject.endpoints) {
      const used = ports.filter((port) => names.has(port.name?.toLowerCase() ?? ""));
      const variant = JSON.stringify(used.map((p) => [p.name, p.port, p.protocol]).sort());
      unused.delete(variant);
      this.#policyOf.set(endpoint, this.#policyFor(subject, variant, used));
    }
    for (const variant of unused) {
      const policy = subject.policies.get(variant);
      subject.policies.delete(variant);
      if (policy !== undefined) this.#forget(policy);
    }
    if (subject.endpoints.size === 0 && this.#subjects.get(name) === subject) {
      this.#subjects.delete(name);
    }
  }

  #policyFor(
    subject: Subject,
    variant: string,
    ports: readonly ContainerPort[],
  ): SubjectPolicy {
    const known = subject.policies.get(variant);
    if (known !== undefined) return known;
    const { identity, host, rules } = subject;
    const policy = new SubjectPolicy(
      this.#numbers.take(),
      { identity, ports, host },
      rules,
      this.#settings,
      this.#parts,
    );
    subject.policies.set(variant, policy);
    this.#policies.add(policy);
    return policy;
  }

  #drop(name: string, subject: Subject): void {
    for (const policy of subject.policies.values()) this.#forget(policy);
    subject.policies.clear();
    this.#subjects.delete(name);
    this.#rulesDirty.delete(subject);
    this.#endpointsDirty.delete(subject);
  }

  #forget(policy: SubjectPolicy): void {
    policy.dispose();
    this.#policies.delete(policy);
    this.#numbers.give(policy.number);
    this.#gone.push(policy);
  }
}

function subjectName({ identity, host }: Pick<PolicyEndpoint, "identity" | "host">): string {
  // Every node has the number of the host.
  return host ? `host ${JSON.stringify(identity.labels)}` : `pod ${identity.id}`;
}

/** Names of the subject's own ports that rules speak of. */
function namesOf(rules: readonly CompiledRule[]): ReadonlySet<string> {
  return new Set(
    rules.filter(({ direction }) => direction === "ingress")
      .flatMap(({ namedPorts = [] }) => namedPorts.map(({ name }) => name)),
  );
}
