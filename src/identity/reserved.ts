import { parseIpPrefix } from "../cluster/ip_prefix.ts";
import type { Identity } from "./identity.ts";
import { labelsOf } from "./label.ts";

/** Numbers of the well-known identities, as in Cilium. */
export const RESERVED = {
  UNKNOWN: 0,
  HOST: 1,
  WORLD: 2,
  UNMANAGED: 3,
  HEALTH: 4,
  INIT: 5,
  REMOTE_NODE: 6,
  KUBE_APISERVER: 7,
  INGRESS: 8,
  WORLD_IPV4: 9,
  WORLD_IPV6: 10,
} as const;

/**
 * The well-known identities with their labels. The API server's also has the label of
 * a remote node, which is where it runs.
 */
export const RESERVED_IDENTITIES: readonly Identity[] = [
  reserved(RESERVED.HOST, "host"),
  reserved(RESERVED.WORLD, "world"),
  reserved(RESERVED.UNMANAGED, "unmanaged"),
  reserved(RESERVED.HEALTH, "health"),
  reserved(RESERVED.INIT, "init"),
  reserved(RESERVED.REMOTE_NODE, "remote-node"),
  reserved(RESERVED.KUBE_APISERVER, "kube-apiserver", "remote-node"),
  reserved(RESERVED.INGRESS, "ingress"),
  { ...reserved(RESERVED.WORLD_IPV4, "world-ipv4"), prefixes: [parseIpPrefix("0.0.0.0/0")] },
  { ...reserved(RESERVED.WORLD_IPV6, "world-ipv6"), prefixes: [parseIpPrefix("::/0")] },
];

function reserved(id: number, ...keys: string[]): Identity {
  return { id, labels: labelsOf(keys.map((key) => ({ source: "reserved", key, value: "" }))) };
}
