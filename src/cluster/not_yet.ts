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
 *
 * TLS interception and listeners need somebody who ends TLS, or an Envoy. Without them a flow
 * would pass unchecked or not at all, and neither is what the author has asked for.
 */
export const NOT_YET: ReadonlySet<Feature> = new Set<Feature>([
  "TLS interception",
  "Envoy listeners",
]);

/** Why a feature is missing, where its name does not say it. */
export const MISSING: { readonly [feature in Feature]?: string } = {
  "TLS interception": "nothing here ends TLS",
  "Envoy listeners": "there is no Envoy here",
};
