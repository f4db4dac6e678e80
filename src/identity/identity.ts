import { canonicalKey, type Labels } from "./label.ts";

/** First number of a cluster-scoped identity; below are the reserved ones. */
export const FIRST_CLUSTER_IDENTITY = 256;
/** Last number of a cluster-scoped identity. */
export const LAST_CLUSTER_IDENTITY = 65535;

/** A set of labels and the number that stands for it in the datapath. Same labels, same number. */
export interface Identity {
  /** Unsigned 32-bit. */
  readonly id: number;
  readonly labels: Labels;
}

/** Tells whether two are the same identity: one number, one set of labels. */
export function sameIdentity(a: Identity, b: Identity): boolean {
  return a === b || (a.id === b.id && canonicalKey(a.labels) === canonicalKey(b.labels));
}
