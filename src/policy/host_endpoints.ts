import type { Identity } from "../identity/identity.ts";
import { type Label, labelsOf } from "../identity/label.ts";
import type { NodeIdentity, NodeTable } from "../identity/node_table.ts";
import { RESERVED } from "../identity/reserved.ts";
import type { CompiledRule } from "./compiled_rule.ts";
import type { PolicySet } from "./policy_set.ts";
import type { RuleTable } from "./rule_table.ts";
import type { HostEndpoint } from "./snapshot.ts";

/**
 * Nodes as subjects of host policies. Only a node that such a policy selects has one: the
 * others are open, as is every node in Cilium without the host firewall.
 *
 * The labels of a host endpoint are those of its node, as Kubernetes labels, and
 * `reserved:host`.
 */
export class HostEndpoints {
  readonly #nodes: NodeTable;
  readonly #rules: RuleTable;
  readonly #policies: PolicySet;
  readonly #selected = new Map<string, NodeIdentity>();
  #seen: ReadonlyMap<string, NodeIdentity> = new Map();

  constructor(nodes: NodeTable, rules: RuleTable, policies: PolicySet) {
    this.#nodes = nodes;
    this.#rules = rules;
    this.#policies = policies;
  }

  /** Local nodes with a policy, by name. */
  get endpoints(): readonly HostEndpoint[] {
    return [...this.#selected.keys()].sort().map((name) => ({
      name,
      policy: this.#policies.policyOf(endpointName(name))?.number ?? 0,
    }));
  }

  /**
   * Notes which nodes there are and which of them are selected.
   *
   * @param changed Rules that came or went since the last call.
   */
  update(changed: readonly CompiledRule[]): void {
    const { nodes } = this.#nodes;
    if (nodes === this.#seen && !changed.some(({ host }) => host)) return;
    this.#seen = nodes;
    for (const name of this.#selected.keys()) {
      if (!nodes.has(name)) this.#set(name, undefined);
    }
    for (const node of nodes.values()) {
      const selected = node.local &&
        this.#rules.rulesFor(hostOf(node).labels).some(({ host }) => host);
      this.#set(node.name, selected ? node : undefined);
    }
  }

  #set(name: string, node: NodeIdentity | undefined): void {
    if (this.#selected.get(name)?.node === node?.node) return;
    if (node === undefined) this.#selected.delete(name);
    else this.#selected.set(name, node);
    const endpoint = node && { identity: hostOf(node), ports: [], host: true };
    this.#policies.setEndpoint(endpointName(name), endpoint);
  }
}

function hostOf({ node }: NodeIdentity): Identity {
  const labels: Label[] = [{ source: "reserved", key: "host", value: "" }];
  for (const [key, value] of node.labels) labels.push({ source: "k8s", key, value });
  return { id: RESERVED.HOST, labels: labelsOf(labels) };
}

function endpointName(node: string): string {
  // No pod's name has a colon.
  return `node:${node}`;
}
