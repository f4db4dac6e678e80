import type { IpPrefix } from "../cluster/ip_prefix.ts";
import { canonicalKey, type Labels } from "./label.ts";

/** First number of a cluster-scoped identity; below are the reserved ones. */
export const FIRST_CLUSTER_IDENTITY = 256;
/** Last number of a cluster-scoped identity. */
export const LAST_CLUSTER_IDENTITY = 65535;
/** Scope of the identities of addresses outside of the cluster; they hold on one node only. */
export const CIDR_SCOPE = 1 << 24;
/** Scope of the identities of other nodes; they hold on one node only. */
export const REMOTE_NODE_SCOPE = 2 << 24;
/** Identities in one scope. */
export const SCOPE_SIZE = 1 << 24;

/** A set of labels and the number that stands for it in the datapath. Same labels, same number. */
export interface Identity {
  /** Unsigned 32-bit. */
  readonly id: number;
  readonly labels: Labels;
  /**
   * The addresses that it stands for lie in these blocks and in no longer ones that rules
   * name: one block, or the addresses of a node. Absent for what is not known by address.
   */
  readonly prefixes?: readonly IpPrefix[];
}

/** Tells whether two are the same identity: one number, one set of labels. */
export function sameIdentity(a: Identity, b: Identity): boolean {
  return a === b || (a.id === b.id && canonicalKey(a.labels) === canonicalKey(b.labels));
}
