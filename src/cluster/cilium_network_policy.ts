import type { Cursor } from "./cursor.ts";
import { LABEL_SELECTOR_SCHEMA, readLabelSelector } from "./label_selector.ts";
import { readMetadata } from "./metadata.ts";
import type { CiliumNetworkPolicy } from "./object.ts";
import { PORT_RULE_SCHEMA, readPortRule } from "./port_rule.ts";
import type { PolicySpec, RuleDirection, TrafficRule } from "./rule.ts";
import type { FieldSchema, Schema } from "./schema.ts";

const SELECTORS: FieldSchema = { list: true, fields: LABEL_SELECTOR_SCHEMA };
const REMOVED = "removed in Cilium 1.19";

const INGRESS_SCHEMA: Schema = {
  fromEndpoints: SELECTORS,
  toPorts: { list: true, fields: PORT_RULE_SCHEMA },
  fromCIDR: { unsupported: "CIDR rules" },
  fromCIDRSet: { unsupported: "CIDR rules" },
  fromEntities: { unsupported: "entities" },
  fromNodes: { unsupported: "node selectors" },
  fromGroups: { unsupported: "cloud provider groups" },
  fromRequires: { unsupported: REMOVED },
  icmps: { unsupported: "ICMP rules" },
  authentication: { unsupported: "mutual authentication" },
};

const EGRESS_SCHEMA: Schema = {
  toEndpoints: SELECTORS,
  toPorts: { list: true, fields: PORT_RULE_SCHEMA },
  toCIDR: { unsupported: "CIDR rules" },
  toCIDRSet: { unsupported: "CIDR rules" },
  toEntities: { unsupported: "entities" },
  toNodes: { unsupported: "node selectors" },
  toGroups: { unsupported: "cloud provider groups" },
  toServices: { unsupported: "service selectors" },
  toFQDNs: { unsupported: "DNS names" },
  toRequires: { unsupported: REMOVED },
  icmps: { unsupported: "ICMP rules" },
  authentication: { unsupported: "mutual authentication" },
};

const DEFAULT_DENY_SCHEMA: Schema = { ingress: {}, egress: {} };

const SPEC_SCHEMA: Schema = {
  endpointSelector: { fields: LABEL_SELECTOR_SCHEMA },
  ingress: { list: true, fields: INGRESS_SCHEMA },
  egress: { list: true, fields: EGRESS_SCHEMA },
  enableDefaultDeny: { fields: DEFAULT_DENY_SCHEMA },
  description: {},
  labels: {},
  ingressDeny: { unsupported: "deny rules" },
  egressDeny: { unsupported: "deny rules" },
  nodeSelector: { unsupported: "host policies" },
  log: { unsupported: "log text" },
};

/** Fields of a CiliumNetworkPolicy (`cilium.io/v2`). */
export const CILIUM_NETWORK_POLICY_SCHEMA: Schema = {
  apiVersion: {},
  kind: {},
  metadata: {},
  spec: { fields: SPEC_SCHEMA },
  specs: { list: true, fields: SPEC_SCHEMA },
  status: {},
};

/**
 * Reads a CiliumNetworkPolicy. Whatever Twinpath does not know or does not enforce
 * is an error: a policy that is applied in part protects less than its author thinks.
 */
export function readCiliumNetworkPolicy(
  object: Cursor,
  defaultNamespace: string,
): CiliumNetworkPolicy {
  const kind = "CiliumNetworkPolicy";
  const location = object.location;
  const metadata = object.entries().get("metadata");
  // Without metadata there is no name to report, but perhaps a misspelt "metdata".
  if (metadata === undefined) object.fields(CILIUM_NETWORK_POLICY_SCHEMA);
  const { name, namespace } = readMetadata(kind, object, metadata);
  object.rename(`${kind} ${JSON.stringify(`${namespace ?? defaultNamespace}/${name}`)}`);
  const fields = object.fields(CILIUM_NETWORK_POLICY_SCHEMA);
  const spec = fields.get("spec");
  const specs = fields.get("specs")?.items() ?? [];
  const all = spec === undefined ? specs : [spec, ...specs];
  if (all.length === 0) object.fail("has neither spec nor specs", "spec");
  return {
    kind,
    namespace: namespace ?? defaultNamespace,
    name,
    specs: all.map(readSpec),
    location,
  };
}

function readSpec(field: Cursor): PolicySpec {
  const fields = field.fields(SPEC_SCHEMA);
  const selector = fields.get("endpointSelector");
  if (selector === undefined) {
    field.fail(
      "has no endpointSelector",
      "endpointSelector ({} selects every pod of the namespace)",
    );
  }
  const endpointSelector = readLabelSelector(selector);
  const ingress = fields.get("ingress")?.items().map((rule) => readRule(rule, "ingress"));
  const egress = fields.get("egress")?.items().map((rule) => readRule(rule, "egress"));
  if (ingress === undefined && egress === undefined) {
    field.fail("has neither ingress nor egress", "at least one of them");
  }
  const description = fields.get("description")?.string();
  return {
    ...(description === undefined ? {} : { description }),
    endpointSelector,
    ...(ingress === undefined ? {} : { ingress }),
    ...(egress === undefined ? {} : { egress }),
    enableDefaultDeny: readDefaultDeny(fields.get("enableDefaultDeny")),
  };
}

function readRule(field: Cursor, direction: RuleDirection): TrafficRule {
  const ingress = direction === "ingress";
  // `- ` without content is null, which decodes like {}.
  if (field.isNull) return {};
  const fields = field.fields(ingress ? INGRESS_SCHEMA : EGRESS_SCHEMA);
  const endpoints = fields.get(ingress ? "fromEndpoints" : "toEndpoints")?.items();
  const toPorts = fields.get("toPorts")?.items();
  return {
    ...(endpoints === undefined ? {} : { endpoints: endpoints.map(readLabelSelector) }),
    ...(toPorts === undefined ? {} : { toPorts: toPorts.map(readPortRule) }),
  };
}

function readDefaultDeny(field: Cursor | undefined): PolicySpec["enableDefaultDeny"] {
  const fields = field?.fields(DEFAULT_DENY_SCHEMA);
  const ingress = fields?.get("ingress")?.boolean();
  const egress = fields?.get("egress")?.boolean();
  return {
    ...(ingress === undefined ? {} : { ingress }),
    ...(egress === undefined ? {} : { egress }),
  };
}
