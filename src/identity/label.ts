/**
 * Labels with their source: `k8s:org=empire`, `reserved:host`.
 *
 * @module
 */

/** One label of an identity. */
export interface Label {
  /** Who vouches for it: `k8s` or `reserved`. */
  readonly source: string;
  readonly key: string;
  readonly value: string;
}

/**
 * The labels of one identity, sorted by source and key, no two with the same source
 * and key. Made by {@linkcode labelsOf}.
 */
export type Labels = readonly Label[];

/** Key of the label that holds a pod's namespace. */
export const NAMESPACE_KEY = "io.kubernetes.pod.namespace";
/** Prefix of the labels that repeat those of the pod's namespace. */
export const NAMESPACE_LABELS_PREFIX = "io.cilium.k8s.namespace.labels.";
/** Key of the label that holds a pod's service account. */
export const SERVICE_ACCOUNT_KEY = "io.cilium.k8s.policy.serviceaccount";
/** Key of the label that holds the name of a pod's cluster. */
export const CLUSTER_KEY = "io.cilium.k8s.policy.cluster";

/** Sorts labels into their canonical order; of two with one source and key the last one stays. */
export function labelsOf(labels: Iterable<Label>): Labels {
  const sorted: Label[] = [];
  // They are few, and mostly in order already.
  for (const label of labels) {
    let at = sorted.length;
    let order = 1;
    for (; at > 0; at--) {
      const before = sorted[at - 1];
      order = before === undefined ? 1 : compareNames(label, before);
      if (order >= 0) break;
    }
    if (order === 0) sorted[at - 1] = label;
    else sorted.splice(at, 0, label);
  }
  return sorted;
}

/** Orders labels as the texts `source:key`. */
function compareNames(a: Label, b: Label): number {
  if (a.source === b.source) return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
  return `${a.source}:` < `${b.source}:` ? -1 : 1;
}

/** Returns `source:key=value`, or `source:key` for an empty value. */
export function formatLabel({ source, key, value }: Label): string {
  return value === "" ? `${source}:${key}` : `${source}:${key}=${value}`;
}

/**
 * Returns a text that is equal for equal labels only.
 *
 * Label values cannot hold `;` where a manifest was read, but identities may come
 * from elsewhere: each part is therefore length-prefixed, not separated.
 */
export function canonicalKey(labels: Labels): string {
  let text = "";
  for (const { source, key, value } of labels) {
    text += `${source.length}:${source}${key.length}:${key}${value.length}:${value}`;
  }
  return text;
}

/** Returns the value of a label, whatever its source; `undefined` when there is none. */
export function valueOf(labels: Labels, key: string): string | undefined {
  return labels.find((label) => label.key === key)?.value;
}
