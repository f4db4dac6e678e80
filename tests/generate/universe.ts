/**
 * The few names, labels, addresses and ports that random clusters are made of. Few, so that
 * what one object names another one often has.
 *
 * @module
 */

/** Namespaces; `red` has no Namespace object in some clusters. */
export const NAMESPACES = ["blue", "red"] as const;

/** Label keys of pods. `pod-template-hash` is no part of an identity. */
export const LABEL_KEYS = ["app", "tier", "pod-template-hash"] as const;

/** Values of labels. */
export const LABEL_VALUES = ["a", "b"] as const;

/** Service accounts of pods. */
export const SERVICE_ACCOUNTS = ["default", "robot"] as const;

/** Nodes. The first is the one whose view is taken. */
export const NODES = [
  { name: "n1", ipv4: "10.0.0.1", ipv6: "fd00::1", labels: { role: "edge" } },
  { name: "n2", ipv4: "10.0.0.2", ipv6: "fd00::2", labels: { role: "edge", zone: "z1" } },
  { name: "n3", ipv4: "10.0.0.3", ipv6: "fd00::3", labels: { role: "core", zone: "z2" } },
] as const;

/** Address of a Kubernetes API that is no node. */
export const API_SERVER = "20.1.2.9";

/** Blocks that policies name: nested, of both families, one with pods and nodes in it. */
export const BLOCKS_V4 = [
  "0.0.0.0/0",
  "20.0.0.0/8",
  "20.1.0.0/16",
  "20.1.2.0/24",
  "20.1.2.4/30",
  "20.1.2.5/32",
  "30.0.0.0/7",
  "10.0.0.0/8",
] as const;

/** As {@linkcode BLOCKS_V4}. */
export const BLOCKS_V6 = [
  "::/0",
  "2001:db8::/32",
  "2001:db8:1::/48",
  "2001:db8:1::5/128",
  "fd00::/16",
] as const;

/** Addresses that services without pods and DNS answers lead to. */
export const OUTSIDE = ["20.1.2.5", "20.1.9.9", "40.0.0.1", "2001:db8:1::5"] as const;

/** DNS names that were answered. */
export const DNS_NAMES = ["example.com", "api.example.com", "v1.api.example.com", "other.org"];

/** Port numbers that rules name, at boundaries of aligned ranges. */
export const PORTS = [1, 53, 80, 1023, 1024, 8080, 8095, 65535] as const;

/** Ports that containers declare. */
export const CONTAINER_PORTS = [
  { name: "web", containerPort: 80, protocol: "TCP" },
  { name: "web", containerPort: 8080, protocol: "TCP" },
  { name: "dns", containerPort: 53, protocol: "UDP" },
  { name: "dns", containerPort: 53, protocol: "TCP" },
] as const;

/** Port names that rules ask for; nothing declares the last one. */
export const PORT_NAMES = ["web", "dns", "nowhere"] as const;

/** HTTP requests that flows carry. */
export const REQUESTS = [
  { method: "GET", path: "/public", host: "example.com", headers: { "x-key": "1" } },
  { method: "GET", path: "/public/1", host: "other.org", headers: {} },
  { method: "POST", path: "/public", host: "other.org", headers: { "x-key": "2" } },
  { method: "POST", path: "/admin", host: "example.com", headers: { "x-key": "1" } },
] as const;
