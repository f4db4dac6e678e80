import type { ClusterObject, Location } from "../../cluster/object.ts";
import type { RuleOrigin } from "../../cluster/rule.ts";
import type { Identity } from "../../identity/identity.ts";
import type { CompiledRule } from "../../policy/compiled_rule.ts";
import { type Selector, selectsIdentity } from "../../policy/selector.ts";
import type { CompiledCluster } from "../compiled_cluster.ts";

/** What can be odd about a policy that is valid. */
export type FindingKind =
  | "selects-nothing"
  | "never-decides"
  | "service-port"
  | "block-of-pods"
  | "port-name"
  | "no-dns"
  | "conflict";

/** Something that its author probably did not mean. */
export interface Finding {
  readonly kind: FindingKind;
  /** The rule; absent for what concerns more than one. */
  readonly rule?: RuleOrigin;
  /** One line. */
  readonly text: string;
  /** Where the policy begins. */
  readonly location?: Location;
}

/** What every lint looks at. */
export class LintContext {
  readonly cluster: CompiledCluster;
  readonly objects: readonly ClusterObject[];
  /** Every rule in force. */
  readonly rules: readonly CompiledRule[];
  readonly #selected = new Map<string, readonly Identity[]>();
  readonly #pods = new Map<number, string[]>();
  readonly #locations = new Map<string, Location>();

  constructor(cluster: CompiledCluster, objects: readonly ClusterObject[]) {
    this.cluster = cluster;
    this.objects = objects;
    this.rules = [...cluster.engine.rules.rules()];
    for (const { identity, namespace, name } of cluster.snapshot.endpoints) {
      const pods = this.#pods.get(identity);
      if (pods === undefined) this.#pods.set(identity, [`${namespace}/${name}`]);
      else pods.push(`${namespace}/${name}`);
    }
    for (const object of objects) {
      const kind = "writtenAs" in object ? object.writtenAs : object.kind;
      const namespace = "namespace" in object ? object.namespace : "";
      this.#locations.set(`${kind}/${namespace}/${object.name}`, object.location);
    }
  }

  /** Identities that a selector selects. */
  selected(selector: Selector): readonly Identity[] {
    let identities = this.#selected.get(selector.key);
    if (identities === undefined) {
      identities = [...this.cluster.engine.selectors.identities.values()]
        .filter((identity) => selectsIdentity(selector, identity, undefined));
      this.#selected.set(selector.key, identities);
    }
    return identities;
  }

  /** Pods of an identity, as `namespace/name`. */
  podsOf({ id }: Identity): readonly string[] {
    return this.#pods.get(id) ?? [];
  }

  /** A finding about a rule. */
  finding(kind: FindingKind, rule: RuleOrigin, text: string): Finding {
    const location = this.#locations.get(`${rule.kind}/${rule.namespace}/${rule.name}`);
    return { kind, rule, text, ...(location === undefined ? {} : { location }) };
  }
}
