import type { Identity } from "../identity/identity.ts";
import {
  type Label,
  NAMESPACE_KEY,
  NAMESPACE_LABELS_PREFIX,
  SERVICE_ACCOUNT_KEY,
} from "../identity/label.ts";

/**
 * Returns an identity as people know it: `host`, `shop: app=web`, `10.0.0.0/8`; its
 * namespace's labels, cluster and service account are left out.
 */
export function identityText({ labels, prefixes = [] }: Identity): string {
  const reserved = keysOf(labels, "reserved");
  const names = labels.filter(({ source }) => source === "fqdn").map(({ key }) => key);
  const outside = [...prefixes.map(({ text }) => text), ...names];
  if (outside.length > 0) return [...outside, ...reserved].join(" ");
  if (reserved.length > 0) return reserved.join(" ");
  const namespace = labels.find(({ key }) => key === NAMESPACE_KEY)?.value ?? "";
  const own = labels.filter(({ key }) => !isAdded(key))
    .map(({ key, value }) => value === "" ? key : `${key}=${value}`);
  return `${namespace}: ${own.length === 0 ? "no labels" : own.join(",")}`;
}

function keysOf(labels: readonly Label[], source: string): string[] {
  return labels.filter((label) => label.source === source).map(({ key }) => key);
}

function isAdded(key: string): boolean {
  return key === NAMESPACE_KEY || key === SERVICE_ACCOUNT_KEY ||
    key.startsWith(NAMESPACE_LABELS_PREFIX) || key.startsWith("io.cilium.k8s.policy.");
}
