import type { Cursor } from "./cursor.ts";
import { present } from "./presence.ts";
import type { Schema } from "./schema.ts";

/** What Twinpath reads of `metadata`. */
export interface Metadata {
  readonly name: string;
  /** Absent where the manifest has none; never empty. */
  readonly namespace: string | undefined;
  readonly labels: ReadonlyMap<string, string>;
  /** `creationTimestamp`, milliseconds since 1970. */
  readonly createdAt: number | undefined;
}

/** Every field of Kubernetes' ObjectMeta; most have no meaning here. */
export const METADATA_SCHEMA: Schema = {
  name: {},
  namespace: {},
  labels: {},
  annotations: {},
  generateName: {},
  selfLink: {},
  uid: {},
  resourceVersion: {},
  generation: {},
  creationTimestamp: {},
  deletionTimestamp: {},
  deletionGracePeriodSeconds: {},
  ownerReferences: {},
  finalizers: {},
  managedFields: {},
};

const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const LABEL_NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_PREFIX = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

/** Reads the `metadata` of an object and names the object in the errors that follow. */
export function readMetadata(kind: string, object: Cursor, metadata: Cursor | undefined): Metadata {
  if (metadata === undefined || metadata.isNull) object.fail("has no metadata", "metadata.name");
  const entries = metadata.entries();
  const named = present(entries.get("name"));
  if (named !== undefined) object.rename(`${kind} ${JSON.stringify(named.string())}`);
  // Unknown fields are errors here too: "namspace" would put a policy elsewhere.
  const fields = metadata.known(entries, METADATA_SCHEMA);
  const nameField = fields.get("name") ?? metadata.fail("has no name", "metadata.name");
  const name = nameField.string();
  if (!NAME.test(name)) nameField.fail(`is ${JSON.stringify(name)}`, "a lower-case DNS name");
  const namespaceField = fields.get("namespace");
  const namespace = namespaceField === undefined ? undefined : readNamespaceName(namespaceField);
  if (namespace !== undefined) object.rename(`${kind} ${JSON.stringify(`${namespace}/${name}`)}`);
  const created = fields.get("creationTimestamp");
  return {
    name,
    namespace,
    labels: readLabels(fields.get("labels")),
    createdAt: created === undefined ? undefined : readTime(created),
  };
}

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

function readTime(field: Cursor): number {
  const text = field.string();
  const time = RFC_3339.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(time)) return time;
  field.fail(`is ${JSON.stringify(text)}`, "a time like 2026-01-31T12:00:00Z");
}

/** Reads the name of a namespace. */
export function readNamespaceName(field: Cursor): string {
  const namespace = field.string();
  if (NAMESPACE.test(namespace)) return namespace;
  // An empty namespace would make the selectors of a policy match every namespace.
  const state = namespace === "" ? "is empty" : `is ${JSON.stringify(namespace)}`;
  field.fail(state, "a namespace name, or no namespace field for the default one");
}

/** Reads a map of Kubernetes labels; an absent one is empty. Equal maps are one. */
export function readLabels(field: Cursor | undefined): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  if (field === undefined) return labels;
  let written = "labels";
  for (const [key, value] of field.entries()) {
    if (!isLabelKey(key)) value.fail("is not a label key", "[prefix/]name");
    const text = readLabelValue(value);
    labels.set(key, text);
    // Neither keys nor values have spaces.
    written += ` ${key} ${text}`;
  }
  return field.share(written, labels);
}

/** Tells whether the text is a Kubernetes label key: `[prefix/]name`. */
export function isLabelKey(text: string): boolean {
  const slash = text.indexOf("/");
  if (slash < 0) return LABEL_NAME.test(text);
  return LABEL_PREFIX.test(text.slice(0, slash)) && LABEL_NAME.test(text.slice(slash + 1));
}

/** Reads a Kubernetes label value: at most 63 letters, digits, `-`, `_` and `.`, or empty. */
export function readLabelValue(field: Cursor): string {
  const value = field.string();
  if (LABEL_VALUE.test(value)) return value;
  field.fail(`is ${JSON.stringify(value)}`, "a label value (63 letters, digits, -, _ or .)");
}
