import type { CiliumNetworkPolicy } from "../cluster/object.ts";
import type { PortSpec, RuleDirection, RuleOrigin, TrafficRule } from "../cluster/rule.ts";
import { PROTOCOL } from "./map_state.ts";
import { type PortBlock, portBlocks } from "./port_range.ts";
import { peerSelector, type Selector, subjectSelector } from "./selector.ts";

/** Protocol and ports of a map state key. */
export interface PortKey extends PortBlock {
  /** IP protocol number; 0 for every protocol. */
  readonly protocol: number;
}

/** A rule with its selectors canonical and its ports as map state keys. */
export interface CompiledRule {
  readonly origin: RuleOrigin;
  readonly direction: RuleDirection;
  /** The endpoints that the rule is for. */
  readonly subject: Selector;
  /** The rule turns the default of its direction to deny. */
  readonly defaultDeny: boolean;
  /** `all` when there is no condition on the peer; an empty list allows nobody. */
  readonly peers: "all" | readonly Selector[];
  readonly ports: readonly PortKey[];
}

const ALL_PORTS: readonly PortKey[] = [{ protocol: PROTOCOL.ANY, port: 0, portPrefix: 0 }];

/** What `ANY` stands for in `toPorts`. */
const TRANSPORTS = [PROTOCOL.TCP, PROTOCOL.UDP, PROTOCOL.SCTP] as const;

/**
 * Compiles every rule of a policy.
 *
 * @param cluster Name of the local cluster.
 */
export function compilePolicy(policy: CiliumNetworkPolicy, cluster: string): CompiledRule[] {
  const { kind, namespace, name } = policy;
  const next = { ingress: 0, egress: 0 };
  const rules: CompiledRule[] = [];
  for (const spec of policy.specs) {
    const subject = subjectSelector(spec.endpointSelector, namespace);
    for (const direction of ["ingress", "egress"] as const) {
      for (const rule of spec[direction] ?? []) {
        rules.push({
          origin: { kind, namespace, name, direction, index: next[direction]++ },
          direction,
          subject,
          defaultDeny: spec.enableDefaultDeny[direction] ?? true,
          peers: peersOf(rule, namespace, cluster),
          ports: portsOf(rule),
        });
      }
    }
  }
  return rules;
}

/**
 * An empty rule (`{}`) allows nothing, it only turns default deny on. That is how Cilium
 * documents it (examples/policies/l3/egress-default-deny, policy language "Ingress/Egress
 * Default Deny") and how its connectivity tests use it ("all-ingress-deny").
 * An empty list of endpoints selects nobody, with or without ports (cilium/cilium
 * pkg/policy/utils/parserules.go, mergeEndpointSelectors). Ports alone are a rule for every peer.
 */
function peersOf(rule: TrafficRule, namespace: string, cluster: string): CompiledRule["peers"] {
  if (rule.endpoints !== undefined) {
    return rule.endpoints.map((selector) => peerSelector(selector, namespace, cluster));
  }
  return (rule.toPorts?.length ?? 0) > 0 ? "all" : [];
}

function portsOf(rule: TrafficRule): readonly PortKey[] {
  if (rule.toPorts === undefined || rule.toPorts.length === 0) return ALL_PORTS;
  return rule.toPorts.flatMap(({ ports }) => ports.flatMap(portKeys));
}

function portKeys({ port, endPort, protocol }: PortSpec): PortKey[] {
  const blocks = port === 0 ? [{ port: 0, portPrefix: 0 }] : portBlocks(port, endPort ?? port);
  const protocols = protocol === "ANY" ? TRANSPORTS : [PROTOCOL[protocol]];
  return protocols.flatMap((number) => blocks.map((block) => ({ protocol: number, ...block })));
}
