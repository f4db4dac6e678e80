import type { LabelSelector } from "./label_selector.ts";
import type { Workload } from "./manifest/read_workload.ts";
import type { Pod } from "./object.ts";

/**
 * Makes one pod for each workload that has none: a folder of manifests, as it lies in a
 * repository, describes pods that nobody has made yet.
 *
 * A workload has the pods that its selector (or without one, its template's labels)
 * selects. One that another workload of the input owns is that one's affair.
 */
export function standIns(workloads: readonly Workload[], pods: readonly Pod[]): Pod[] {
  if (workloads.length === 0) return [];
  const byNamespace = Map.groupBy(pods, ({ namespace }) => namespace);
  const names = new Set(pods.map(({ namespace, name }) => `${namespace}/${name}`));
  const known = new Set(workloads.map(keyOf));
  const made: Pod[] = [];
  for (const workload of workloads) {
    const { namespace, owner } = workload;
    if (owner !== undefined && known.has(keyOf({ ...owner, namespace }))) continue;
    if ((byNamespace.get(namespace) ?? []).some((pod) => isPodOf(workload, pod))) continue;
    const pod = standIn(workload, names);
    names.add(`${namespace}/${pod.name}`);
    made.push(pod);
  }
  return made;
}

function keyOf({ kind, namespace, name }: { kind: string; namespace: string; name: string }) {
  return `${kind}/${namespace}/${name}`;
}

function standIn(workload: Workload, taken: ReadonlySet<string>): Pod {
  const { kind, namespace, name, labels, serviceAccount, hostNetwork, location } = workload;
  // A StatefulSet and a Deployment of one name are rare, but nothing forbids them.
  const free = taken.has(`${namespace}/${name}`) ? `${name}-${kind.toLowerCase()}` : name;
  return {
    kind: "Pod",
    namespace,
    name: free,
    labels,
    serviceAccount,
    hostNetwork,
    terminated: false,
    addresses: [],
    ...workload.containerPorts === undefined ? {} : { containerPorts: workload.containerPorts },
    standsFor: { kind, namespace, name },
    location,
  };
}

function isPodOf({ selector, labels }: Workload, pod: Pod): boolean {
  if (selector !== undefined) return selects(selector, pod.labels);
  return labels.size > 0 && [...labels].every(([key, value]) => pod.labels.get(key) === value);
}

/** Kubernetes' selectors of workloads; an empty one selects nothing here. */
function selects(
  { matchLabels, matchExpressions }: LabelSelector,
  labels: ReadonlyMap<string, string>,
): boolean {
  if (matchLabels.length + matchExpressions.length === 0) return false;
  return matchLabels.every(({ key, value }) => labels.get(key) === value) &&
    matchExpressions.every(({ key, operator, values }) => {
      const value = labels.get(key);
      if (operator === "Exists") return value !== undefined;
      if (operator === "DoesNotExist") return value === undefined;
      return (value !== undefined && values.includes(value)) === (operator === "In");
    });
}
