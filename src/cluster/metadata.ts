import type { Cursor } from "./cursor.ts";
import type { Schema } from "./schema.ts";

/** What Twinpath reads of `metadata`. */
export interface Metadata {
  readonly name: string;
  /** Absent where the manifest has none; never empty. */
  readonly namespace: string | undefined;
  readonly labels: ReadonlyMap<string, string>;
}

/** Every field of Kubernetes' ObjectMeta; most have no meaning here. */
const METADATA_SCHEMA: Schema = {
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
  // Unknown fields are errors here too: "namspace" would put a policy elsewhere.
  const named = present(metadata.entries().get("name"));
  if (named !== undefined) object.rename(`${kind} ${JSON.stringify(named.string())}`);
  const fields = metadata.fields(METADATA_SCHEMA);
  const nameField = fields.get("name") ?? metadata.fail("has no name", "metadata.name");
  const name = nameField.string();
  if (!NAME.test(name)) nameField.fail(`is ${JSON.stringify(name)}`, "a lower-case DNS name");
  const namespace = readNamespaceName(fields.get("namespace"));
  if (namespace !== undefined) object.rename(`${kind} ${JSON.stringify(`${namespace}/${name}`)}`);
  return { name, namespace, labels: readLabels(fields.get("labels")) };
}

function readNamespaceName(field: Cursor | undefined): string | undefined {
  if (field === undefined) return undefined;
  const namespace = field.string();
  if (NAMESPACE.test(namespace)) return namespace;
  // An empty namespace would make the selectors of a policy match every namespace.
  const state = namespace === "" ? "is empty" : `is ${JSON.stringify(namespace)}`;
  field.fail(state, "a namespace name, or no namespace field for the default one");
}

function readLabels(field: Cursor | undefined): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  for (const [key, value] of field?.entries() ?? []) {
    if (!isLabelKey(key)) value.fail("is not a label key", "[prefix/]name");
    labels.set(key, readLabelValue(value));
  }
  return labels;
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

/** Treats an explicit null as absent. */
export function present(field: Cursor | undefined): Cursor | undefined {
  return field === undefined || field.isNull ? undefined : field;
}
