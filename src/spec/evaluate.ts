/**
 * The third opinion: what the policies say about one flow, read naively.
 *
 * It walks the rules as their authors wrote them, for one flow at a time, with its own
 * selector matching, defaults, default deny and port logic. Nothing is shared with
 * `policy` but the parsed types. Slow, short, and obviously right.
 *
 * @module
 */
import type { CiliumNetworkPolicy } from "../cluster/object.ts";
import type { PortSpec, RuleDirection, RuleOrigin, TrafficRule } from "../cluster/rule.ts";
import type { Peer } from "./peer.ts";
import { isNamed, isSubject } from "./select.ts";

/** One flow, from its first packet. */
export interface Flow {
  readonly source: Peer;
  readonly destination: Peer;
  /** IP protocol number. */
  readonly protocol: number;
  /** Destination port, host order. */
  readonly port: number;
}

/** What one side says. */
export interface SideVerdict {
  readonly verdict: "allow" | "deny";
  /** Why it is dropped: 133 no rule allows it, 181 a rule denies it. Absent when allowed. */
  readonly reason?: 133 | 181;
  /** Only what is allowed passes. False where nothing is allowed because nothing has to be. */
  readonly enforced: boolean;
  /** Every rule that allows the flow (or denies it), in the order of the policies. */
  readonly rules: readonly RuleOrigin[];
}

/** What the source's policies and the destination's policies say. */
export interface FlowVerdict {
  readonly egress: SideVerdict;
  readonly ingress: SideVerdict;
}

/** Options for {@linkcode evaluate}. */
export interface EvaluateOptions {
  /**
   * Name of the local cluster.
   *
   * @default "default"
   */
  cluster?: string;
  /**
   * The host may always reach its pods.
   *
   * @default true
   */
  allowLocalhost?: boolean;
}

/** Evaluates a flow. It passes when both sides allow it. */
export function evaluate(
  policies: readonly CiliumNetworkPolicy[],
  flow: Flow,
  options: EvaluateOptions = {},
): FlowVerdict {
  return {
    egress: evaluateSide(policies, flow, "egress", options),
    ingress: evaluateSide(policies, flow, "ingress", options),
  };
}

/** Evaluates one side of a flow. */
export function evaluateSide(
  policies: readonly CiliumNetworkPolicy[],
  flow: Flow,
  direction: RuleDirection,
  { cluster = "default", allowLocalhost = true }: EvaluateOptions = {},
): SideVerdict {
  const subject = direction === "ingress" ? flow.destination : flow.source;
  const peer = direction === "ingress" ? flow.source : flow.destination;
  const rules: RuleOrigin[] = [];
  let enforced = false;
  for (const { kind, namespace, name, specs } of policies) {
    let index = -1;
    for (const spec of specs) {
      const selected = isSubject(spec.endpointSelector, namespace, subject);
      for (const rule of spec[direction] ?? []) {
        index++;
        if (!selected) continue;
        if (spec.enableDefaultDeny[direction] !== false) enforced = true;
        const allows = coversPeer(rule, namespace, cluster, peer) && coversPort(rule, flow);
        if (allows) rules.push({ kind, namespace, name, direction, index });
      }
    }
  }
  const fromHost = direction === "ingress" && peer.kind === "reserved" &&
    peer.labels.includes("host");
  if (enforced && fromHost && allowLocalhost) {
    rules.push({ kind: "builtin", namespace: "", name: "allow-localhost", direction, index: 0 });
  }
  if (!enforced || rules.length > 0) return { verdict: "allow", enforced, rules };
  return { verdict: "deny", reason: 133, enforced, rules };
}

/** A rule with neither peers nor ports allows nothing; with ports only, everyone. */
function coversPeer(rule: TrafficRule, namespace: string, cluster: string, peer: Peer): boolean {
  if (rule.endpoints === undefined) return (rule.toPorts ?? []).length > 0;
  return rule.endpoints.some((selector) => isNamed(selector, namespace, cluster, peer));
}

function coversPort(rule: TrafficRule, flow: Flow): boolean {
  const items = rule.toPorts ?? [];
  if (items.length === 0) return true;
  return items.some(({ ports }) => ports.some((port) => isPort(port, flow)));
}

const NUMBERS = { TCP: [6], UDP: [17], SCTP: [132], ANY: [6, 17, 132] } as const;

function isPort({ protocol, port, endPort }: PortSpec, flow: Flow): boolean {
  if (!NUMBERS[protocol].some((number) => number === flow.protocol)) return false;
  if (port === 0) return true;
  return flow.port >= port && flow.port <= (endPort ?? port);
}
