/**
 * The gate between reading and understanding. Everything here is read and validated;
 * what is on the list is refused all the same, because applying a policy in part
 * protects less than its author thinks. A feature leaves the list when both `policy`
 * and `spec` handle it.
 *
 * @module
 */

/** Parts of policy that can be gated, as messages name them. */
export const FEATURES = [
  // Kinds.
  "CiliumClusterwideNetworkPolicy",
  "NetworkPolicy",
  "ClusterNetworkPolicy",
  // Whole specs.
  "host policies",
  "deny rules",
  "log text",
  // Peers.
  "CIDR rules",
  "CIDR groups",
  "entities",
  "node selectors",
  "service selectors",
  "DNS names",
  "labels of address blocks, DNS names and nodes",
  // Ports.
  "named ports",
  "ICMP rules",
  // Above the transport.
  "HTTP rules",
  "DNS rules",
  "SNI rules",
  "TLS interception",
  "Envoy listeners",
  "mutual authentication",
] as const;

/** A part of policy that can be gated. */
export type Feature = typeof FEATURES[number];

/**
 * What is refused with "not supported yet". Strike out a line here when `policy` and `spec`
 * both handle it (in tests, `readObjects` takes another set as its `notYet`).
 */
export const NOT_YET: ReadonlySet<Feature> = new Set<Feature>([
  "log text",
  "labels of address blocks, DNS names and nodes",
  "SNI rules",
  "TLS interception",
  "Envoy listeners",
]);
