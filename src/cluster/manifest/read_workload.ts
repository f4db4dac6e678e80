import type { LabelSelector } from "../label_selector.ts";
import type { Location } from "../location.ts";
import type { Pod } from "../object.ts";
import type { Cursor } from "./cursor.ts";
import { readLabels, readMetadata } from "./metadata.ts";
import { optional, present } from "./presence.ts";
import { readPlainSelector } from "./read_label_selector.ts";
import { readPodSpec } from "./read_pod.ts";

/** Kinds whose controllers make pods. */
export const WORKLOAD_KINDS = [
  "Deployment",
  "StatefulSet",
  "DaemonSet",
  "ReplicaSet",
  "Job",
  "CronJob",
] as const;

/** A kind whose controller makes pods. */
export type WorkloadKind = typeof WORKLOAD_KINDS[number];

/** Something that makes pods, and what these pods look like. */
export interface Workload
  extends Pick<Pod, "labels" | "serviceAccount" | "hostNetwork" | "containerPorts"> {
  readonly kind: WorkloadKind;
  readonly namespace: string;
  readonly name: string;
  /** Which pods are its own; absent in the manifests of jobs. */
  readonly selector?: LabelSelector;
  /** The workload that made this one. */
  readonly owner?: { readonly kind: string; readonly name: string };
  readonly location: Location;
}

/** Reads a workload. Only what its pods look like is read. */
export function readWorkload(
  kind: WorkloadKind,
  object: Cursor,
  defaultNamespace: string,
): Workload {
  const { location } = object;
  const fields = object.entries();
  const metadata = fields.get("metadata");
  const { name, namespace = defaultNamespace } = readMetadata(kind, object, metadata);
  const spec = present(fields.get("spec")) ?? object.fail("has no spec", "spec");
  const job = kind === "CronJob" ? jobOf(spec) : spec;
  const jobFields = job.entries();
  const template = present(jobFields.get("template")) ?? job.fail("has no template", "template");
  const parts = template.entries();
  const labels = present(present(parts.get("metadata"))?.entries().get("labels"));
  const selector = present(jobFields.get("selector"));
  return {
    kind,
    namespace,
    name,
    labels: readLabels(labels),
    ...readPodSpec(present(parts.get("spec"))?.entries()),
    ...optional("selector", selector === undefined ? undefined : readPlainSelector(selector)),
    ...optional("owner", readOwner(metadata)),
    location,
  };
}

function jobOf(spec: Cursor): Cursor {
  const template = present(spec.entries().get("jobTemplate")) ??
    spec.fail("has no jobTemplate", "jobTemplate");
  return present(template.entries().get("spec")) ?? template.fail("has no spec", "spec");
}

function readOwner(metadata: Cursor | undefined): Workload["owner"] {
  for (const owner of present(metadata?.entries().get("ownerReferences"))?.items() ?? []) {
    const fields = owner.entries();
    const kind = present(fields.get("kind"))?.string();
    const name = present(fields.get("name"))?.string();
    if (kind !== undefined && name !== undefined) return { kind, name };
  }
  return undefined;
}
