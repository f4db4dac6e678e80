import { type Namespace, NAMESPACE_NAME_LABEL, type Pod } from "../cluster/object.ts";
import {
  CLUSTER_KEY,
  type Label,
  type Labels,
  labelsOf,
  NAMESPACE_KEY,
  NAMESPACE_LABELS_PREFIX,
  SERVICE_ACCOUNT_KEY,
} from "./label.ts";
import type { LabelFilter } from "./label_filter.ts";

/**
 * Returns the labels that make a pod's identity: its own, its namespace's, and what
 * Cilium adds (namespace, service account, cluster).
 *
 * A pod cannot pose as another: where its own labels use a key that Cilium adds, the
 * added label stays.
 *
 * @param namespace The pod's Namespace object; absent when it is not known (yet),
 *   then only the label that every namespace has, its name, is taken.
 */
export function podLabels(
  pod: Pod,
  namespace: Namespace | undefined,
  cluster: string,
  filter: LabelFilter,
): Labels {
  const labels: Label[] = [];
  const add = (key: string, value: string) => void labels.push({ source: "k8s", key, value });
  for (const [key, value] of pod.labels) {
    if (!key.startsWith(NAMESPACE_LABELS_PREFIX)) add(key, value);
  }
  const namespaceLabels = namespace?.labels ?? [[NAMESPACE_NAME_LABEL, pod.namespace] as const];
  for (const [key, value] of namespaceLabels) add(NAMESPACE_LABELS_PREFIX + key, value);
  add(NAMESPACE_KEY, pod.namespace);
  add(SERVICE_ACCOUNT_KEY, pod.serviceAccount);
  add(CLUSTER_KEY, cluster);
  return labelsOf(labels.filter(filter));
}
