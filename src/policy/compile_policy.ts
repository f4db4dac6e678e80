import type { PolicyObject } from "../cluster/object.ts";
import type { TrafficRule } from "../cluster/rule.ts";
import { compileCiliumPolicy } from "./compile_cilium_policy.ts";
import { compileClusterNetworkPolicy } from "./compile_cluster_network_policy.ts";
import { compileNetworkPolicy } from "./compile_network_policy.ts";
import type { CompiledRule } from "./compiled_rule.ts";
import { type FactKind, NO_FACTS, type PeerFacts } from "./peer_facts.ts";

/**
 * Compiles every rule of a policy.
 *
 * @param cluster Name of the local cluster.
 * @param facts Objects that its rules refer to.
 */
export function compilePolicy(
  policy: PolicyObject,
  cluster: string,
  facts: PeerFacts = NO_FACTS,
): CompiledRule[] {
  switch (policy.kind) {
    case "CiliumNetworkPolicy":
    case "CiliumClusterwideNetworkPolicy":
      return compileCiliumPolicy(policy, cluster, facts);
    case "NetworkPolicy":
      return compileNetworkPolicy(policy, cluster);
    case "ClusterNetworkPolicy":
      return compileClusterNetworkPolicy(policy, cluster);
  }
}

/** Returns the kinds of objects that a policy's rules refer to. */
export function factsUsedBy(policy: PolicyObject): ReadonlySet<FactKind> {
  const used = new Set<FactKind>();
  if (!("specs" in policy)) return used;
  for (const spec of policy.specs) {
    const { ingress = [], ingressDeny = [], egress = [], egressDeny = [] } = spec;
    for (const rule of [...ingress, ...ingressDeny, ...egress, ...egressDeny]) {
      if (rule.cidrSets?.some((item) => !("cidr" in item))) used.add("CiliumCIDRGroup");
      if (hasServices(rule)) used.add("Service");
    }
  }
  return used;
}

function hasServices({ services }: TrafficRule): boolean {
  return (services?.length ?? 0) > 0;
}
