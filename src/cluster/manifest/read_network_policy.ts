import type {
  IpBlock,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  NetworkPolicyRule,
} from "../network_policy.ts";
import type { RuleDirection } from "../rule.ts";
import type { Cursor } from "./cursor.ts";
import { readMetadata } from "./metadata.ts";
import { optional } from "./presence.ts";
import { readCidrSetItem, readPrefix } from "./read_cidr.ts";
import { LABEL_SELECTOR_SCHEMA, readPlainSelector } from "./read_label_selector.ts";
import { isServiceName } from "./read_port_rule.ts";
import type { Schema } from "./schema.ts";

const IP_BLOCK_SCHEMA: Schema = { cidr: {}, except: {} };

const PEER_SCHEMA: Schema = {
  podSelector: { fields: LABEL_SELECTOR_SCHEMA },
  namespaceSelector: { fields: LABEL_SELECTOR_SCHEMA },
  ipBlock: { fields: IP_BLOCK_SCHEMA },
};

const PORT_SCHEMA: Schema = { protocol: {}, port: {}, endPort: {} };

const INGRESS_SCHEMA: Schema = {
  from: { list: true, fields: PEER_SCHEMA },
  ports: { list: true, fields: PORT_SCHEMA },
};

const EGRESS_SCHEMA: Schema = {
  to: { list: true, fields: PEER_SCHEMA },
  ports: { list: true, fields: PORT_SCHEMA },
};

const SPEC_SCHEMA: Schema = {
  podSelector: { fields: LABEL_SELECTOR_SCHEMA },
  policyTypes: {},
  ingress: { list: true, fields: INGRESS_SCHEMA },
  egress: { list: true, fields: EGRESS_SCHEMA },
};

/** Fields of a NetworkPolicy (`networking.k8s.io/v1`). */
export const NETWORK_POLICY_SCHEMA: Schema = {
  apiVersion: {},
  kind: {},
  metadata: {},
  spec: { fields: SPEC_SCHEMA },
  status: {},
};

const TRANSPORTS = ["TCP", "UDP", "SCTP"] as const;

/**
 * Reads a NetworkPolicy with the rules of the API server
 * (kubernetes/kubernetes pkg/apis/networking/validation, ValidateNetworkPolicySpec;
 * https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/).
 */
export function readNetworkPolicy(object: Cursor, defaultNamespace: string): NetworkPolicy {
  const kind = "NetworkPolicy";
  const { location } = object;
  const metadata = readMetadata(kind, object, object.entries().get("metadata"));
  const { name, namespace = defaultNamespace, createdAt } = metadata;
  object.rename(`${kind} ${JSON.stringify(`${namespace}/${name}`)}`);
  const fields = object.fields(NETWORK_POLICY_SCHEMA);
  const spec = fields.get("spec") ?? object.fail("has no spec", "spec");
  const parts = spec.fields(SPEC_SCHEMA);
  const selector = parts.get("podSelector") ??
    spec.fail("has no podSelector", "podSelector ({} selects every pod of the namespace)");
  return {
    kind,
    namespace,
    name,
    podSelector: readPlainSelector(selector),
    ...optional("policyTypes", readPolicyTypes(parts.get("policyTypes"))),
    ...optional("ingress", parts.get("ingress")?.items().map((r) => readRule(r, "from"))),
    ...optional("egress", parts.get("egress")?.items().map((r) => readRule(r, "to"))),
    ...optional("createdAt", createdAt),
    location,
  };
}

/** An empty list is absent: that is how the API server defaults it. */
function readPolicyTypes(field: Cursor | undefined): RuleDirection[] | undefined {
  const items = field?.items() ?? [];
  if (items.length === 0) return undefined;
  const types = items.map((i) =>
    i.oneOf(["Ingress", "Egress"]) === "Ingress" ? "ingress" : "egress"
  );
  return [...new Set<RuleDirection>(types)];
}

function readRule(field: Cursor, peersName: "from" | "to"): NetworkPolicyRule {
  if (field.isNull) return {};
  const fields = field.fields(peersName === "from" ? INGRESS_SCHEMA : EGRESS_SCHEMA);
  return {
    ...optional("peers", fields.get(peersName)?.items().map(readPeer)),
    ...optional("ports", fields.get("ports")?.items().map(readPort)),
  };
}

function readPeer(field: Cursor): NetworkPolicyPeer {
  const fields = field.fields(PEER_SCHEMA);
  const pods = fields.get("podSelector");
  const namespaces = fields.get("namespaceSelector");
  const block = fields.get("ipBlock");
  if (block !== undefined) {
    if (pods !== undefined || namespaces !== undefined) {
      field.fail("has both ipBlock and a selector", "a peer for each of the two");
    }
    return { ipBlock: readIpBlock(block) };
  }
  if (pods === undefined && namespaces === undefined) {
    field.fail("is empty", "podSelector, namespaceSelector or ipBlock");
  }
  return {
    ...optional("podSelector", pods === undefined ? undefined : readPlainSelector(pods)),
    ...optional(
      "namespaceSelector",
      namespaces === undefined ? undefined : readPlainSelector(namespaces),
    ),
  };
}

/** Each exception must be strictly smaller than the block, as the API server demands. */
function readIpBlock(field: Cursor): IpBlock {
  const cidrField = field.fields(IP_BLOCK_SCHEMA).get("cidr") ??
    field.fail("has no cidr", "cidr");
  const cidr = readPrefix(cidrField);
  const { except } = readCidrSetItem(field);
  except.forEach((block, i) => {
    if (block.length > cidr.length) return;
    const item = field.entries().get("except")?.items()[i] ?? field;
    item.fail(`is ${block.text}, all of ${cidr.text}`, "a smaller block inside of it");
  });
  return { cidr, except };
}

function readPort(field: Cursor): NetworkPolicyPort {
  const fields = field.fields(PORT_SCHEMA);
  const protocol = fields.get("protocol")?.oneOf(TRANSPORTS) ?? "TCP";
  const portField = fields.get("port");
  const endField = fields.get("endPort");
  if (portField === undefined) {
    endField?.fail("is set without a port", "port, the first of the range");
    return { protocol };
  }
  const port = readPortOrName(portField);
  if (endField === undefined) return { protocol, port };
  if (typeof port === "string") {
    return endField.fail("is set with a named port", "a port number, or no endPort");
  }
  const endPort = endField.integer(1, 0xffff);
  if (endPort < port) endField.fail(`is ${endPort}, below port ${port}`, `${port} to 65535`);
  return { protocol, port, endPort };
}

/** Reads Kubernetes' IntOrString: a number is a port, a string is a name, also `"80"`. */
function readPortOrName(field: Cursor): number | string {
  if (field.isNumber) return field.integer(1, 0xffff);
  const name = field.string();
  if (isServiceName(name)) return name;
  const number = /^[0-9]+$/.test(name) ? `${Number(name)} without quotes` : undefined;
  field.fail(
    `is ${JSON.stringify(name)}`,
    "a port number, or the name of a container port (15 lower-case letters, digits and hyphens)",
    number,
  );
}
