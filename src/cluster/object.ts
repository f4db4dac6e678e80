/**
 * The cluster objects that Twinpath understands, normalised: defaults that do not
 * change meaning are filled in, everything else is as the manifest says.
 *
 * @module
 */
import type { ClusterNetworkPolicy } from "./cluster_network_policy.ts";
import type { IpAddress } from "./ip_address.ts";
import type { IpPrefix } from "./ip_prefix.ts";
import type { Location } from "./location.ts";
import type { NetworkPolicy } from "./network_policy.ts";
import type { HostPolicySpec, PolicySpec } from "./rule.ts";
import type { EndpointSlice, Service } from "./service.ts";

export type { Location } from "./location.ts";

/** A port that a container declares. */
export interface ContainerPort {
  /** Absent where the manifest gives none; such a port has no part in policy. */
  readonly name?: string;
  /** 1 to 65535. */
  readonly port: number;
  readonly protocol: "TCP" | "UDP" | "SCTP";
}

/** A pod. Its labels are the Kubernetes labels, without source. */
export interface Pod {
  readonly kind: "Pod";
  readonly namespace: string;
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  /** `default` where the manifest names none, as the API server does. */
  readonly serviceAccount: string;
  /** The pod shares the network namespace, and so the identity, of its node. */
  readonly hostNetwork: boolean;
  /** The pod ran to its end; its addresses may already belong to another pod. */
  readonly terminated: boolean;
  /** `status.podIPs`, without duplicates, in order. */
  readonly addresses: readonly IpAddress[];
  /** Node that the pod runs on; absent before it is scheduled. */
  readonly nodeName?: string;
  /** Of all containers, with side-car init containers, in order. Absent: none. */
  readonly containerPorts?: readonly ContainerPort[];
  /**
   * The workload that this pod stands for: a Deployment, StatefulSet, DaemonSet, Job,
   * CronJob or ReplicaSet of which the input has no pod. Such a pod has the workload's
   * name and no addresses.
   */
  readonly standsFor?: ObjectRef;
  readonly location: Location;
}

/** Label that the API server sets on every namespace, to its name. */
export const NAMESPACE_NAME_LABEL = "kubernetes.io/metadata.name";

/** A namespace and its labels, {@linkcode NAMESPACE_NAME_LABEL} always among them. */
export interface Namespace {
  readonly kind: "Namespace";
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly location: Location;
}

/** A CiliumNetworkPolicy (`cilium.io/v2`). */
export interface CiliumNetworkPolicy {
  readonly kind: "CiliumNetworkPolicy";
  readonly namespace: string;
  readonly name: string;
  /** `spec`, then `specs`; at least one. */
  readonly specs: readonly PolicySpec[];
  /** `metadata.creationTimestamp`, milliseconds since 1970: the older policy wins a conflict. */
  readonly createdAt?: number;
  readonly location: Location;
}

/** A CiliumClusterwideNetworkPolicy (`cilium.io/v2`). */
export interface CiliumClusterwideNetworkPolicy {
  readonly kind: "CiliumClusterwideNetworkPolicy";
  readonly name: string;
  /** `spec`, then `specs`; at least one. */
  readonly specs: readonly (PolicySpec | HostPolicySpec)[];
  /** `metadata.creationTimestamp`, milliseconds since 1970. */
  readonly createdAt?: number;
  readonly location: Location;
}

/** A CiliumCIDRGroup (`cilium.io/v2` or `v2alpha1`): address blocks under one name. */
export interface CiliumCidrGroup {
  readonly kind: "CiliumCIDRGroup";
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly cidrs: readonly IpPrefix[];
  readonly location: Location;
}

/** Which of a node's addresses: `CiliumInternalIP` is that of `cilium_host`. */
export type NodeAddressType = "InternalIP" | "ExternalIP" | "CiliumInternalIP";

/** A node (`v1` Node). */
export interface Node {
  readonly kind: "Node";
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  /** Host names among the addresses are left out. */
  readonly addresses: readonly { readonly type: NodeAddressType; readonly address: IpAddress }[];
  readonly podCidrs: readonly IpPrefix[];
  readonly location: Location;
}

/** Any object that takes part in policy. */
export type ClusterObject =
  | Pod
  | Namespace
  | Node
  | Service
  | EndpointSlice
  | CiliumCidrGroup
  | PolicyObject;

/** Any object that says what is allowed. */
export type PolicyObject =
  | CiliumNetworkPolicy
  | CiliumClusterwideNetworkPolicy
  | NetworkPolicy
  | ClusterNetworkPolicy;

/** Names an object. */
export interface ObjectRef {
  readonly kind: string;
  /** Empty for what has no namespace. */
  readonly namespace: string;
  readonly name: string;
}

/** Returns the reference of an object. */
export function refOf(object: ClusterObject): ObjectRef {
  const namespace = "namespace" in object ? object.namespace : "";
  // An AdminNetworkPolicy and a ClusterNetworkPolicy may have the same name.
  const kind = "writtenAs" in object ? object.writtenAs : object.kind;
  return { kind, namespace, name: object.name };
}

/** Returns `Kind/namespace/name`, or `Kind/name` for what has no namespace. */
export function formatRef(ref: ObjectRef): string {
  return ref.namespace === ""
    ? `${ref.kind}/${ref.name}`
    : `${ref.kind}/${ref.namespace}/${ref.name}`;
}
