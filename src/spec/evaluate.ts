/**
 * The third opinion: what the policies say about one flow, read naively.
 *
 * It walks the rules as their authors wrote them, for one flow at a time, with its own
 * selector matching, defaults, default deny and port logic. Nothing is shared with
 * `policy` but the parsed types. Slow, short, and obviously right.
 *
 * A pod can always reach itself, because such packets never leave it; policy is asked only
 * of flows between two ends, and two pods with the same labels are two ends:
 * https://kubernetes.io/docs/concepts/services-networking/network-policies/
 *
 * @module
 */
import type { ClusterObject } from "../cluster/object.ts";
import type { RuleDirection, RuleOrigin } from "../cluster/rule.ts";
import { addressLabels } from "./address_labels.ts";
import { readCiliumPolicy, selectsNode } from "./cilium_policy.ts";
import { readClusterNetworkPolicy } from "./cluster_network_policy.ts";
import type { CidrMatchMode, DnsFacts, Flow, SideFlow } from "./flow.ts";
import { judge } from "./judge.ts";
import { readNetworkPolicy } from "./network_policy.ts";
import type { Peer } from "./peer.ts";
import { transportOf } from "./port.ts";
import { seenFrom } from "./select.ts";
import type { Statement } from "./statement.ts";

export type { Flow } from "./flow.ts";

/** What one side says. */
export interface SideVerdict {
  readonly verdict: "allow" | "deny";
  /** Why it is dropped: 133 no rule allows it, 181 a rule denies it. Absent when allowed. */
  readonly reason?: 133 | 181;
  /** Only what is allowed passes. False where nothing is allowed because nothing has to be. */
  readonly enforced: boolean;
  /** Every rule that allows the flow (or denies it), in the order of the policies. */
  readonly rules: readonly RuleOrigin[];
  /** The flow is allowed as far as a proxy, which looks at what is said in it. */
  readonly redirect?: L7Verdict;
  /** The flow is allowed once both ends have proved who they are. */
  readonly authentication?: "required" | "test-always-fail";
}

/** What is allowed above the transport. */
export interface L7Verdict {
  readonly kind: "http" | "dns" | "tls";
  /** What becomes of the flow's request; absent when the flow has none. */
  readonly verdict?: "allow" | "deny";
}

/** What the source's policies and the destination's policies say. */
export interface FlowVerdict {
  readonly egress: SideVerdict;
  readonly ingress: SideVerdict;
}

/** What an operator decides about policy, and what is known apart from objects. */
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
  /**
   * When policies count: `always` closes both directions of every pod (and of every node
   * that a host policy is for), `never` looks at no rule.
   * https://docs.cilium.io/en/stable/security/policy/intro/#policy-enforcement-modes
   *
   * @default "default"
   */
  mode?: "default" | "always" | "never";
  /**
   * Node of what has no node of its own: seen from such a pod, this node is the host.
   *
   * @default none, and every node is the host
   */
  node?: string;
  /**
   * What address blocks are for, beside addresses outside of the cluster.
   *
   * @default []
   */
  cidrMatchMode?: readonly CidrMatchMode[];
  /**
   * Addresses that were answered for DNS names.
   *
   * @default none
   */
  names?: DnsFacts;
}

/**
 * Evaluates a flow. It passes when both sides allow it.
 *
 * @param objects Policies, and what they refer to: services, their endpoint slices, groups
 *   of address blocks. Everything else is passed over.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseIpAddress } from "../cluster/ip_address.ts";
 * import { readObjects } from "../cluster/read_objects.ts";
 * import { DEATH_STAR } from "../cluster/scenarios/death_star.ts";
 * import { Ends } from "./ends.ts";
 *
 * const { objects } = readObjects([DEATH_STAR]);
 * const pod = objects.find((object) => object.kind === "Pod" && object.name === "deathstar");
 * const ends = new Ends(objects);
 * const { egress, ingress } = evaluate(objects, {
 *   source: ends.at(parseIpAddress("192.0.2.1")),
 *   destination: pod?.kind === "Pod" ? ends.pod(pod) : ends.node(undefined),
 *   protocol: 6,
 *   port: 80,
 * });
 * assertEquals([egress.verdict, ingress.verdict], ["allow", "deny"]);
 * ```
 */
export function evaluate(
  objects: readonly ClusterObject[],
  flow: Flow,
  options: EvaluateOptions = {},
): FlowVerdict {
  return {
    egress: evaluateSide(objects, flow, "egress", options),
    ingress: evaluateSide(objects, flow, "ingress", options),
  };
}

/** Evaluates one side of a flow; for the parameters see {@linkcode evaluate}. */
export function evaluateSide(
  objects: readonly ClusterObject[],
  flow: Flow,
  direction: RuleDirection,
  options: EvaluateOptions = {},
): SideVerdict {
  const { allowLocalhost = true, mode = "default" } = options;
  if (mode === "never") return { verdict: "allow", enforced: false, rules: [] };
  const side = sideOf(objects, flow, direction, options);
  const isFromHost = direction === "ingress" && side.subject.kind === "pod" &&
    side.other.reserved.includes("host");
  return judge([...statements(side)], {
    closed: mode === "always" && hasPolicy(side.subject, objects),
    isAlwaysAllowed: allowLocalhost && isFromHost,
    direction,
    request: flow.request,
  });
}

/** What becomes of a flow in the end, and of its request if it has one. */
export function finalVerdict(
  { egress, ingress }: FlowVerdict,
): "allowed" | "denied" | "redirected" {
  const sides = [egress, ingress];
  if (sides.some(({ verdict }) => verdict === "deny")) return "denied";
  if (sides.some(({ redirect }) => redirect?.verdict === "deny")) return "denied";
  const isOpen = sides.some(({ redirect }) => redirect !== undefined && !redirect.verdict);
  return isOpen ? "redirected" : "allowed";
}

function sideOf(
  objects: readonly ClusterObject[],
  { source, destination, protocol, port, request }: Flow,
  direction: RuleDirection,
  { cluster = "default", node, cidrMatchMode = [], names = new Map() }: EvaluateOptions,
): SideFlow {
  const isIngress = direction === "ingress";
  const subject = isIngress ? destination : source;
  const seen = seenFrom(nodeOf(subject) ?? node, isIngress ? source : destination);
  return {
    direction,
    subject,
    other: { ...seen, atAddress: addressLabels(seen, { objects, names, cidrMatchMode }) },
    transport: transportOf({ protocol, port }, destination, direction),
    request,
    objects,
    names,
    cluster,
    cidrMatchMode,
  };
}

/**
 * Is the subject one that policies are for? Every pod is; a node is only where a host
 * policy selects it, as no node has one in Cilium without the host firewall:
 * https://docs.cilium.io/en/stable/security/policy/host/
 */
function hasPolicy(subject: Peer, objects: readonly ClusterObject[]): boolean {
  return subject.kind === "pod" ||
    objects.some((object) =>
      object.kind === "CiliumClusterwideNetworkPolicy" && selectsNode(object, subject)
    );
}

function nodeOf(peer: Peer): string | undefined {
  if (peer.kind === "pod") return peer.node;
  return peer.kind === "node" ? peer.name : undefined;
}

function* statements(side: SideFlow): Generator<Statement> {
  for (const object of side.objects) {
    switch (object.kind) {
      case "CiliumNetworkPolicy":
      case "CiliumClusterwideNetworkPolicy":
        yield* readCiliumPolicy(object, side);
        break;
      case "NetworkPolicy":
        yield* readNetworkPolicy(object, side);
        break;
      case "ClusterNetworkPolicy":
        yield* readClusterNetworkPolicy(object, side);
        break;
    }
  }
}
