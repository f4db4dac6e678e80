import {
  LABEL_SOURCES,
  type LabelSelector,
  type LabelSource,
  type MatchExpression,
  type MatchLabel,
} from "../label_selector.ts";
import { tryParseIpPrefix } from "../ip_prefix.ts";
import type { Cursor } from "./cursor.ts";
import { isLabelKey, readLabelValue } from "./metadata.ts";
import { present } from "./presence.ts";
import { nearest, type Schema } from "./schema.ts";

const EXPRESSION_SCHEMA: Schema = { key: {}, operator: {}, values: {} };

/** Fields of a label selector. */
export const LABEL_SELECTOR_SCHEMA: Schema = {
  matchLabels: { free: true },
  matchExpressions: { list: true, fields: EXPRESSION_SCHEMA },
};

const OPERATORS = ["In", "NotIn", "Exists", "DoesNotExist"] as const;

/** Sources that have a meaning to Cilium's container runtimes of old, and none to policy now. */
const OTHER_SOURCES = ["container", "cni", "containerd", "docker", "mesos", "unspec"];

/** Sources whose labels only identities of blocks, names and nodes carry. */
const RARE_SOURCES: readonly LabelSource[] = ["cidr", "cidrgroup", "fqdn", "node"];

/** Reads a key: where to look, and for what. */
type ReadKey = (field: Cursor, text: string) => { source: LabelSource; key: string };

/**
 * Reads Cilium's label selector, whose keys may have a source (`k8s:app`). A null one is
 * empty, as in Kubernetes.
 */
export function readLabelSelector(field: Cursor): LabelSelector {
  return readSelector(field, readSourcedKey);
}

/**
 * Reads Kubernetes' label selector: keys have no source.
 *
 * @param source The source that the keys get.
 */
export function readPlainSelector(field: Cursor, source: LabelSource = "k8s"): LabelSelector {
  return readSelector(field, (at, key) => {
    if (!isLabelKey(key)) at.fail("is not a label key", "[prefix/]name");
    return { source, key };
  });
}

function readSelector(field: Cursor, readKey: ReadKey): LabelSelector {
  if (field.isNull) return { matchLabels: [], matchExpressions: [] };
  const fields = field.fields(LABEL_SELECTOR_SCHEMA);
  const matchLabels: MatchLabel[] = [];
  for (const [text, value] of fields.get("matchLabels")?.entries() ?? []) {
    matchLabels.push({ ...readKey(value, text), value: readLabelValue(value) });
  }
  const expressions = fields.get("matchExpressions")?.items() ?? [];
  return { matchLabels, matchExpressions: expressions.map((e) => readExpression(e, readKey)) };
}

function readExpression(field: Cursor, readKey: ReadKey): MatchExpression {
  const fields = field.fields(EXPRESSION_SCHEMA);
  const keyField = fields.get("key") ?? field.fail("has no key", "key and operator");
  const operatorField = fields.get("operator") ?? field.fail("has no operator", "key and operator");
  const key = readKey(keyField, keyField.string());
  const operator = operatorField.oneOf(OPERATORS);
  const values = present(fields.get("values"))?.items().map(readLabelValue) ?? [];
  const wanted = operator === "In" || operator === "NotIn";
  if (wanted && values.length === 0) field.fail(`has no values for ${operator}`, "at least one");
  if (!wanted && values.length > 0) field.fail(`has values for ${operator}`, "none");
  return { ...key, operator, values };
}

/** Reads `[source:]key`. Kubernetes keys have no colon, so the first one ends the source. */
function readSourcedKey(field: Cursor, text: string): { source: LabelSource; key: string } {
  const colon = text.indexOf(":");
  const prefix = colon < 0 ? "any" : text.slice(0, colon);
  const key = text.slice(colon + 1);
  if (OTHER_SOURCES.includes(prefix)) {
    const state = `selects labels of source ${prefix}, which no identity has`;
    field.fail(state, `one of ${LABEL_SOURCES.join(", ")}`);
  }
  const source = LABEL_SOURCES.find((s) => s === prefix);
  if (source === undefined) {
    const state = `has the unknown label source ${JSON.stringify(prefix)}`;
    field.fail(state, `one of ${LABEL_SOURCES.join(", ")}`, nearest(prefix, LABEL_SOURCES));
  }
  if (RARE_SOURCES.includes(source)) field.uses("labels of address blocks, DNS names and nodes");
  if (source === "cidr") return { source, key: readBlockKey(field, key) };
  if (!isLabelKey(key)) field.fail("is not a label key", "[source:][prefix/]name");
  return { source, key: source === "fqdn" ? key.toLowerCase() : key };
}

/**
 * Reads the key of a label of source `cidr`. As no label key has a colon, IPv6 is written with
 * `-` in its place, and a 0 where that would come first or last: `2001-db8--0/32`
 * (cilium/cilium pkg/labels/cidr.go, maskedIPToLabel and LabelToPrefix).
 */
function readBlockKey(field: Cursor, key: string): string {
  const block = tryParseIpPrefix(key.replaceAll("-", ":"));
  const expected = "for example cidr:10.0.0.0/8, or cidr:2001-db8--0/32";
  if (block === undefined) field.fail("is not the label of an address block", expected);
  if (isLabelKey(key)) return block.text;
  const written = key.replaceAll(":", "-").replace(/^-/, "0-").replace("-/", "-0/");
  field.fail("is not a label key", expected, `cidr:${written}`);
}
