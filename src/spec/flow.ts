import type { IpAddress } from "../cluster/ip_address.ts";
import type { ClusterObject } from "../cluster/object.ts";
import type { Request } from "../cluster/l7_request.ts";
import type { RuleDirection } from "../cluster/rule.ts";
import type { Peer } from "./peer.ts";
import type { Transport } from "./port.ts";
import type { Seen } from "./select.ts";

/** One flow, from its first packet. */
export interface Flow {
  readonly source: Peer;
  readonly destination: Peer;
  /** IP protocol number. */
  readonly protocol: number;
  /** Destination port, host order; ICMP type where the protocol is ICMP or ICMPv6. */
  readonly port: number;
  /** What is asked above the transport, if that is the question too. */
  readonly request?: Request;
}

/** Addresses that were answered for DNS names. */
export type DnsFacts = ReadonlyMap<string, readonly IpAddress[]>;

/**
 * Which ends in the cluster an address block is for, beside addresses outside of it. (Blocks for
 * pods came after Cilium 1.19: https://github.com/cilium/cilium/pull/45194.)
 */
export type CidrMatchMode = "nodes";

/** One side of a flow: what the subject's policies are asked. */
export interface SideFlow {
  readonly direction: RuleDirection;
  /** Whose policies count: the destination at ingress, the source at egress. */
  readonly subject: Peer;
  /** The other end, from the subject's node. */
  readonly other: Seen;
  readonly transport: Transport;
  readonly request: Request | undefined;
  readonly objects: readonly ClusterObject[];
  readonly names: DnsFacts;
  readonly cluster: string;
  readonly cidrMatchMode: readonly CidrMatchMode[];
}
