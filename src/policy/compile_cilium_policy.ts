import type { CiliumClusterwideNetworkPolicy, CiliumNetworkPolicy } from "../cluster/object.ts";
import type { HostPolicySpec, PolicySpec, RuleOrigin, TrafficRule } from "../cluster/rule.ts";
import { AUTH_TYPE, type CompiledRule, NORMAL_RANK } from "./compiled_rule.ts";
import type { PeerFacts } from "./peer_facts.ts";
import { rulePeers } from "./rule_peers.ts";
import { rulePorts } from "./rule_ports.ts";
import {
  exists,
  type LabelsSelector,
  requirementsOf,
  selectorOf,
  type SelectorScope,
  subjectSelector,
} from "./selector.ts";

/** The lists of a spec, in the order in which their rules are compiled. */
const LISTS = [
  { list: "ingress", direction: "ingress", verdict: "allow" },
  { list: "ingressDeny", direction: "ingress", verdict: "deny" },
  { list: "egress", direction: "egress", verdict: "allow" },
  { list: "egressDeny", direction: "egress", verdict: "deny" },
] as const;

/** Compiles every rule of a Cilium policy, of a namespace or of the whole cluster. */
export function compileCiliumPolicy(
  policy: CiliumNetworkPolicy | CiliumClusterwideNetworkPolicy,
  cluster: string,
  facts: PeerFacts,
): CompiledRule[] {
  const { kind, name, createdAt } = policy;
  const scope: SelectorScope = {
    namespace: policy.kind === "CiliumNetworkPolicy" ? policy.namespace : undefined,
    cluster,
  };
  const next = { ingress: 0, ingressDeny: 0, egress: 0, egressDeny: 0 };
  const rules: CompiledRule[] = [];
  for (const spec of policy.specs) {
    const subject = subjectOf(spec, scope);
    for (const { list, direction, verdict } of LISTS) {
      for (const rule of spec[list] ?? []) {
        const origin: RuleOrigin = {
          kind,
          namespace: scope.namespace ?? "",
          name,
          direction,
          index: next[list]++,
          ...(verdict === "deny" ? { deny: true } : {}),
        };
        rules.push({
          origin,
          direction,
          rank: NORMAL_RANK,
          verdict,
          ...subject,
          defaultDeny: spec.enableDefaultDeny[direction] ?? true,
          peers: rulePeers(rule, scope, facts),
          ...portsOf(rule),
          ...(rule.authentication === undefined
            ? {}
            : { authType: AUTH_TYPE[rule.authentication] }),
          ...(spec.log === undefined ? {} : { log: spec.log }),
          ...(createdAt === undefined ? {} : { createdAt }),
        });
      }
    }
  }
  return rules;
}

function subjectOf(
  spec: PolicySpec | HostPolicySpec,
  { namespace }: SelectorScope,
): { readonly subject: LabelsSelector; readonly host: boolean } {
  if ("endpointSelector" in spec) {
    return { subject: subjectSelector(spec.endpointSelector, namespace), host: false };
  }
  const requirements = requirementsOf(spec.nodeSelector);
  return { subject: selectorOf([...requirements, exists("reserved", "host")]), host: true };
}

function portsOf(rule: TrafficRule): Pick<CompiledRule, "ports" | "namedPorts"> {
  const { ports, namedPorts } = rulePorts(rule);
  return { ports, ...(namedPorts.length === 0 ? {} : { namedPorts }) };
}
