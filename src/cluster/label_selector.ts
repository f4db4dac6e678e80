import type { Cursor } from "./cursor.ts";
import { isLabelKey, present, readLabelValue } from "./metadata.ts";
import type { LabelSelector, LabelSource, MatchExpression, MatchLabel } from "./rule.ts";
import { nearest, type Schema } from "./schema.ts";

/** Fields of a label selector. */
export const LABEL_SELECTOR_SCHEMA: Schema = {
  matchLabels: {},
  matchExpressions: { list: true, fields: { key: {}, operator: {}, values: {} } },
};

const EXPRESSION_SCHEMA: Schema = { key: {}, operator: {}, values: {} };
const OPERATORS = ["In", "NotIn", "Exists", "DoesNotExist"] as const;
const SOURCES = ["any", "k8s", "reserved"] as const;
const SOURCES_NOT_YET = ["cidr", "cidrgroup", "fqdn", "node", "container", "cni", "unspec"];

/** Reads a label selector; a null one is empty, as in Kubernetes. */
export function readLabelSelector(field: Cursor): LabelSelector {
  if (field.isNull) return { matchLabels: [], matchExpressions: [] };
  const fields = field.fields(LABEL_SELECTOR_SCHEMA);
  const matchLabels: MatchLabel[] = [];
  for (const [text, value] of fields.get("matchLabels")?.entries() ?? []) {
    matchLabels.push({ ...readSelectorKey(value, text), value: readLabelValue(value) });
  }
  const expressions = fields.get("matchExpressions")?.items() ?? [];
  return { matchLabels, matchExpressions: expressions.map(readExpression) };
}

function readExpression(field: Cursor): MatchExpression {
  const fields = field.fields(EXPRESSION_SCHEMA);
  const keyField = fields.get("key") ?? field.fail("has no key", "key and operator");
  const operatorField = fields.get("operator") ?? field.fail("has no operator", "key and operator");
  const key = readSelectorKey(keyField, keyField.string());
  const operator = operatorField.oneOf(OPERATORS);
  const values = present(fields.get("values"))?.items().map(readLabelValue) ?? [];
  const wanted = operator === "In" || operator === "NotIn";
  if (wanted && values.length === 0) field.fail(`has no values for ${operator}`, "at least one");
  if (!wanted && values.length > 0) field.fail(`has values for ${operator}`, "none");
  return { ...key, operator, values };
}

/** Reads `[source:]key`. Kubernetes keys have no colon, so the first one ends the source. */
function readSelectorKey(field: Cursor, text: string): { source: LabelSource; key: string } {
  const colon = text.indexOf(":");
  const prefix = colon < 0 ? "any" : text.slice(0, colon);
  const key = text.slice(colon + 1);
  if (SOURCES_NOT_YET.includes(prefix)) {
    field.fail(
      `selects labels of source ${prefix}, which is not supported yet`,
      SOURCES.join(", "),
    );
  }
  const source = SOURCES.find((s) => s === prefix);
  if (source === undefined) {
    const state = `has the unknown label source ${JSON.stringify(prefix)}`;
    field.fail(state, `one of ${SOURCES.join(", ")}`, nearest(prefix, SOURCES));
  }
  if (!isLabelKey(key)) field.fail(`is not a label key`, "[source:][prefix/]name");
  return { source, key };
}
