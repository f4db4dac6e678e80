/**
 * The cluster objects that Twinpath understands, normalised: defaults that do not
 * change meaning are filled in, everything else is as the manifest says.
 *
 * @module
 */
import type { IpAddress } from "./ip_address.ts";
import type { PolicySpec } from "./rule.ts";

/** Where an object was read. */
export interface Location {
  /** Name of the input, usually a path. */
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** Counted from 1. */
  readonly column: number;
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
  readonly location: Location;
}

/** Any object that takes part in policy. */
export type ClusterObject = Pod | Namespace | CiliumNetworkPolicy;

/** Names an object. */
export interface ObjectRef {
  readonly kind: string;
  /** Empty for what has no namespace. */
  readonly namespace: string;
  readonly name: string;
}

/** Returns the reference of an object. */
export function refOf(object: ClusterObject): ObjectRef {
  const namespace = object.kind === "Namespace" ? "" : object.namespace;
  return { kind: object.kind, namespace, name: object.name };
}

/** Returns `Kind/namespace/name`, or `Kind/name` for what has no namespace. */
export function formatRef(ref: ObjectRef): string {
  return ref.namespace === ""
    ? `${ref.kind}/${ref.name}`
    : `${ref.kind}/${ref.namespace}/${ref.name}`;
}
