import type { CiliumClusterwideNetworkPolicy, CiliumNetworkPolicy } from "../object.ts";
import type { HostPolicySpec, PolicySpec, SpecRules } from "../rule.ts";
import type { Cursor } from "./cursor.ts";
import { type Metadata, readMetadata } from "./metadata.ts";
import { optional } from "./presence.ts";
import { LABEL_SELECTOR_SCHEMA, readLabelSelector } from "./read_label_selector.ts";
import { readTrafficRule, RULE_SCHEMAS, type RuleList } from "./read_traffic_rule.ts";
import type { Schema } from "./schema.ts";

const DEFAULT_DENY_SCHEMA: Schema = { ingress: {}, egress: {} };
const LOG_SCHEMA: Schema = { value: {} };
const LISTS: readonly RuleList[] = ["ingress", "ingressDeny", "egress", "egressDeny"];

const SPEC_SCHEMA: Schema = {
  endpointSelector: { fields: LABEL_SELECTOR_SCHEMA },
  ingress: { list: true, fields: RULE_SCHEMAS.ingress },
  ingressDeny: { feature: "deny rules", list: true, fields: RULE_SCHEMAS.ingressDeny },
  egress: { list: true, fields: RULE_SCHEMAS.egress },
  egressDeny: { feature: "deny rules", list: true, fields: RULE_SCHEMAS.egressDeny },
  enableDefaultDeny: { fields: DEFAULT_DENY_SCHEMA },
  log: { feature: "log text", fields: LOG_SCHEMA },
  description: {},
  labels: {},
  nodeSelector: {
    refused: {
      state: "is not possible in a CiliumNetworkPolicy",
      expected: "endpointSelector, or a CiliumClusterwideNetworkPolicy",
    },
  },
};

const CLUSTERWIDE_SPEC_SCHEMA: Schema = {
  ...SPEC_SCHEMA,
  nodeSelector: { feature: "host policies", fields: LABEL_SELECTOR_SCHEMA },
};

/** Fields of a CiliumNetworkPolicy (`cilium.io/v2`). */
export const CILIUM_NETWORK_POLICY_SCHEMA = policySchema(SPEC_SCHEMA);

/** Fields of a CiliumClusterwideNetworkPolicy (`cilium.io/v2`). */
export const CLUSTERWIDE_POLICY_SCHEMA = policySchema(CLUSTERWIDE_SPEC_SCHEMA);

/**
 * Reads a CiliumNetworkPolicy. Whatever Twinpath does not know or does not enforce
 * is an error: a policy that is applied in part protects less than its author thinks.
 */
export function readCiliumNetworkPolicy(
  object: Cursor,
  defaultNamespace: string,
): CiliumNetworkPolicy {
  const kind = "CiliumNetworkPolicy";
  const { location } = object;
  const { name, namespace = defaultNamespace, createdAt } = readPolicyMetadata(
    kind,
    object,
    CILIUM_NETWORK_POLICY_SCHEMA,
  );
  object.rename(`${kind} ${JSON.stringify(`${namespace}/${name}`)}`);
  const specs = specsOf(object, CILIUM_NETWORK_POLICY_SCHEMA).map(readEndpointSpec);
  return { kind, namespace, name, specs, ...optional("createdAt", createdAt), location };
}

/** Reads a CiliumClusterwideNetworkPolicy, which has no namespace. */
export function readClusterwidePolicy(object: Cursor): CiliumClusterwideNetworkPolicy {
  const kind = "CiliumClusterwideNetworkPolicy";
  const { location } = object;
  const schema = CLUSTERWIDE_POLICY_SCHEMA;
  const { name, namespace, createdAt } = readPolicyMetadata(kind, object, schema);
  if (namespace !== undefined) {
    object.fail(`has the namespace ${JSON.stringify(namespace)}`, "none: it is clusterwide");
  }
  const specs = specsOf(object, schema).map(readAnySpec);
  return { kind, name, specs, ...optional("createdAt", createdAt), location };
}

function policySchema(spec: Schema): Schema {
  return {
    apiVersion: {},
    kind: {},
    metadata: {},
    spec: { fields: spec },
    specs: { list: true, fields: spec },
    status: {},
  };
}

function readPolicyMetadata(kind: string, object: Cursor, schema: Schema): Metadata {
  const metadata = object.entries().get("metadata");
  // Without metadata there is no name to report, but perhaps a misspelt "metdata".
  if (metadata === undefined) object.fields(schema);
  return readMetadata(kind, object, metadata);
}

function specsOf(object: Cursor, schema: Schema): Cursor[] {
  const fields = object.fields(schema);
  const spec = fields.get("spec");
  const specs = fields.get("specs")?.items() ?? [];
  const all = spec === undefined ? specs : [spec, ...specs];
  if (all.length === 0) object.fail("has neither spec nor specs", "spec");
  return all;
}

function readEndpointSpec(field: Cursor): PolicySpec {
  const fields = field.fields(SPEC_SCHEMA);
  const selector = fields.get("endpointSelector") ?? field.fail(
    "has no endpointSelector",
    "endpointSelector ({} selects every pod of the namespace)",
  );
  const endpointSelector = readLabelSelector(selector);
  return { endpointSelector, ...readRules(field, fields) };
}

function readAnySpec(field: Cursor): PolicySpec | HostPolicySpec {
  const fields = field.fields(CLUSTERWIDE_SPEC_SCHEMA);
  const endpoints = fields.get("endpointSelector");
  const nodes = fields.get("nodeSelector");
  const expected = "endpointSelector for pods, or nodeSelector for the nodes themselves";
  if (endpoints !== undefined && nodes !== undefined) {
    field.fail("has both endpointSelector and nodeSelector", expected);
  }
  if (nodes === undefined) {
    const selector = endpoints ??
      field.fail("has neither endpointSelector nor nodeSelector", expected);
    const endpointSelector = readLabelSelector(selector);
    return { endpointSelector, ...readRules(field, fields) };
  }
  const nodeSelector = readLabelSelector(nodes);
  const rules = readRules(field, fields);
  refuseL7(fields);
  return { nodeSelector, ...rules };
}

/** The host's own connections never pass a proxy ("host policies do not support L7 rules yet"). */
function refuseL7(fields: ReadonlyMap<string, Cursor>): void {
  for (const list of LISTS) {
    for (const rule of fields.get(list)?.items() ?? []) {
      if (rule.isNull) continue;
      for (const item of rule.entries().get("toPorts")?.items() ?? []) {
        const fields = item.entries();
        for (const name of ["rules", "serverNames"]) {
          fields.get(name)?.fail("is not possible in a host policy", "ports alone");
        }
      }
    }
  }
}

function readRules(field: Cursor, fields: ReadonlyMap<string, Cursor>): SpecRules {
  // Cilium refuses a spec that says nothing at all.
  if (LISTS.every((list) => (fields.get(list)?.items().length ?? 0) === 0)) {
    field.fail("has no rules", `at least one in ${LISTS.join(", ")} ({} is one)`);
  }
  const rulesOf = <L extends RuleList>(list: L) =>
    optional(list, fields.get(list)?.items().map((item) => readTrafficRule(item, list)));
  const log = readLog(fields.get("log"));
  return {
    ...optional("description", fields.get("description")?.string()),
    ...rulesOf("ingress"),
    ...rulesOf("ingressDeny"),
    ...rulesOf("egress"),
    ...rulesOf("egressDeny"),
    enableDefaultDeny: readDefaultDeny(fields.get("enableDefaultDeny")),
    ...optional("log", log),
  };
}

/** Cilium's limit: the text goes into every flow event (spec.log.value in its CRD). */
const MAX_LOG = 32;

function readLog(field: Cursor | undefined): string | undefined {
  const value = field?.fields(LOG_SCHEMA).get("value");
  const text = value?.string() ?? "";
  if (value === undefined || text === "") return undefined;
  if ([...text].length > MAX_LOG) {
    value.fail(`has ${[...text].length} characters`, `at most ${MAX_LOG}`);
  }
  if (/\p{C}/u.test(text)) value.fail("has characters that do not print", "printable text");
  return text;
}

function readDefaultDeny(field: Cursor | undefined): SpecRules["enableDefaultDeny"] {
  const fields = field?.fields(DEFAULT_DENY_SCHEMA);
  return {
    ...optional("ingress", fields?.get("ingress")?.boolean()),
    ...optional("egress", fields?.get("egress")?.boolean()),
  };
}
