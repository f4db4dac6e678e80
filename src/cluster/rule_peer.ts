/**
 * The other end of a flow, in each of the ways in which a Cilium rule can name it.
 *
 * @module
 */
import type { IpPrefix } from "./ip_prefix.ts";
import type { LabelSelector } from "./label_selector.ts";

/**
 * One item of `fromCIDRSet` or `toCIDRSet`: a block, a CiliumCIDRGroup by name, or those
 * that a selector finds, without the blocks of `except`.
 */
export type CidrSetItem =
  & { readonly except: readonly IpPrefix[] }
  & (
    | { readonly cidr: IpPrefix }
    | { readonly cidrGroupRef: string }
    | { readonly cidrGroupSelector: LabelSelector }
  );

/** Every entity that `fromEntities` and `toEntities` can name. */
export const ENTITIES = [
  "all",
  "world",
  "world-ipv4",
  "world-ipv6",
  "cluster",
  "host",
  "remote-node",
  "kube-apiserver",
  "health",
  "init",
  "ingress",
  "unmanaged",
  "none",
] as const;

/** One item of `fromEntities` or `toEntities`. */
export type Entity = typeof ENTITIES[number];

/**
 * One item of `toServices`: a service by name, or those that a selector finds. Without a
 * namespace, in whatever namespace they are (cilium/cilium pkg/policy/k8s/service.go,
 * serviceRefMatches and serviceSelectorMatches).
 */
export type ServicePeer =
  | {
    readonly serviceName: string;
    /** Absent where the author gave none. */
    readonly namespace?: string;
  }
  | {
    /** Selects by the labels of the Service objects. */
    readonly selector: LabelSelector;
    /** Absent where the author gave none. */
    readonly namespace?: string;
  };

/** One item of `toFQDNs` or `rules.dns`: a name, or a pattern of names. As written. */
export type FqdnSelector =
  | { readonly matchName: string }
  | { readonly matchPattern: string };

/** One item of `icmps[].fields`. */
export interface IcmpField {
  readonly family: 4 | 6;
  /** ICMP or ICMPv6 type, 0 to 255; names are resolved. */
  readonly type: number;
}

/** One item of `icmps`. */
export interface IcmpRule {
  readonly fields: readonly IcmpField[];
}

/** `authentication.mode`. */
export type AuthenticationMode = "disabled" | "required" | "test-always-fail";
