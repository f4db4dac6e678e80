import type {
  ClusterNetworkPolicy,
  ClusterNetworkPolicyPeer,
  ClusterNetworkPolicyProtocol,
  ClusterNetworkPolicyRule,
  NamespacedPods,
} from "../cluster_network_policy.ts";
import { tryParseIpAddress } from "../ip_address.ts";
import type { IpPrefix } from "../ip_prefix.ts";
import type { RuleDirection } from "../rule.ts";
import type { Cursor } from "./cursor.ts";
import { itemsUpTo } from "./limits.ts";
import { readMetadata } from "./metadata.ts";
import { onlyField } from "./only_field.ts";
import { optional } from "./presence.ts";
import { readPrefix } from "./read_cidr.ts";
import { LABEL_SELECTOR_SCHEMA, readPlainSelector } from "./read_label_selector.ts";
import { isServiceName } from "./read_port_rule.ts";
import { nearest, type Schema } from "./schema.ts";

const NAMESPACED_POD_SCHEMA: Schema = {
  namespaceSelector: { fields: LABEL_SELECTOR_SCHEMA },
  podSelector: { fields: LABEL_SELECTOR_SCHEMA },
};

/** Fields of `subject`, and of one item of `from`. */
export const SUBJECT_SCHEMA: Schema = {
  namespaces: { fields: LABEL_SELECTOR_SCHEMA },
  pods: { fields: NAMESPACED_POD_SCHEMA },
};

const EGRESS_PEER_SCHEMA: Schema = {
  ...SUBJECT_SCHEMA,
  nodes: { fields: LABEL_SELECTOR_SCHEMA },
  networks: {},
  domainNames: {},
};

const RANGE_SCHEMA: Schema = { start: {}, end: {} };
const PORT_SCHEMA: Schema = { number: {}, range: { fields: RANGE_SCHEMA } };
const TRANSPORT_SCHEMA: Schema = { destinationPort: { fields: PORT_SCHEMA } };

const PROTOCOL_SCHEMA: Schema = {
  tcp: { fields: TRANSPORT_SCHEMA },
  udp: { fields: TRANSPORT_SCHEMA },
  sctp: { fields: TRANSPORT_SCHEMA },
  destinationNamedPort: {},
};

/** What a rule does, in either generation. */
export type Action = "Accept" | "Allow" | "Deny" | "Pass";

/** In what the generations of this API differ. */
export interface ClusterPolicyDialect {
  readonly kind: ClusterNetworkPolicy["writtenAs"];
  /** The accepting one first. */
  readonly actions: readonly Action[];
  /** Most rules, peers and ports in one list. */
  readonly max: number;
  /** Name of the list of ports in a rule. */
  readonly ports: string;
  readonly portSchema: Schema;
  readonly readPort: (field: Cursor) => ClusterNetworkPolicyProtocol;
  /** Fields that `spec` has beside subject and rules. */
  readonly specFields: readonly string[];
  readonly readOrder: (spec: Cursor, fields: ReadonlyMap<string, Cursor>) => PolicyOrder;
}

/** Where a policy stands among the others. */
export type PolicyOrder = Pick<ClusterNetworkPolicy, "tier" | "priority">;

/**
 * ClusterNetworkPolicy. Limits and rules are those of the CRD
 * (kubernetes-sigs/network-policy-api apis/v1alpha2 and v1beta1,
 * https://network-policy-api.sigs.k8s.io/reference/spec/).
 */
export const CLUSTER_DIALECT: ClusterPolicyDialect = {
  kind: "ClusterNetworkPolicy",
  actions: ["Accept", "Deny", "Pass"],
  max: 25,
  ports: "protocols",
  portSchema: PROTOCOL_SCHEMA,
  readPort: readProtocol,
  specFields: ["tier", "priority"],
  readOrder(spec, fields) {
    const tier = fields.get("tier") ?? spec.fail("has no tier", "tier, Admin or Baseline");
    return { tier: tier.oneOf(["Admin", "Baseline"]), priority: readPriority(spec, fields) };
  },
};

/** Reads `priority`: 0 to 1000. */
export function readPriority(spec: Cursor, fields: ReadonlyMap<string, Cursor>): number {
  const field = fields.get("priority") ?? spec.fail("has no priority", "priority, 0 to 1000");
  return field.integer(0, 1000);
}

/** Returns the fields of a policy of the dialect. */
export function clusterPolicySchema(dialect: ClusterPolicyDialect): Schema {
  return {
    apiVersion: {},
    kind: {},
    metadata: {},
    spec: { fields: specSchema(dialect) },
    status: {},
  };
}

/** Reads a policy of the dialect. */
export function readClusterPolicy(
  object: Cursor,
  dialect: ClusterPolicyDialect,
): ClusterNetworkPolicy {
  const { location } = object;
  const entries = object.entries();
  const { name, namespace, createdAt } = readMetadata(
    dialect.kind,
    object,
    entries.get("metadata"),
  );
  if (namespace !== undefined) {
    object.fail(`has the namespace ${JSON.stringify(namespace)}`, "none: it is clusterwide");
  }
  const fields = object.known(entries, clusterPolicySchema(dialect));
  const spec = fields.get("spec") ?? object.fail("has no spec", "spec");
  const parts = spec.fields(specSchema(dialect));
  const subject = parts.get("subject") ?? spec.fail("has no subject", "subject");
  return {
    kind: "ClusterNetworkPolicy",
    writtenAs: dialect.kind,
    name,
    ...dialect.readOrder(spec, parts),
    subject: readSubject(subject),
    ingress: readRules(parts.get("ingress"), "ingress", dialect),
    egress: readRules(parts.get("egress"), "egress", dialect),
    ...optional("createdAt", createdAt),
    location,
  };
}

function specSchema(dialect: ClusterPolicyDialect): Schema {
  return {
    ...Object.fromEntries(dialect.specFields.map((name) => [name, {}])),
    subject: { fields: SUBJECT_SCHEMA },
    ingress: { list: true, fields: ruleSchema("ingress", dialect) },
    egress: { list: true, fields: ruleSchema("egress", dialect) },
  };
}

function ruleSchema(direction: RuleDirection, { ports, portSchema }: ClusterPolicyDialect): Schema {
  return {
    name: {},
    action: {},
    ...direction === "ingress"
      ? { from: { list: true, fields: SUBJECT_SCHEMA } }
      : { to: { list: true, fields: EGRESS_PEER_SCHEMA } },
    [ports]: { list: true, fields: portSchema },
  };
}

function readSubject(field: Cursor): NamespacedPods {
  const [name, found] = onlyField(field, field.fields(SUBJECT_SCHEMA), ["namespaces", "pods"]);
  return readPods(name, found);
}

function readPods(name: "namespaces" | "pods", field: Cursor): NamespacedPods {
  if (name === "namespaces") return { namespaces: readPlainSelector(field) };
  const fields = field.fields(NAMESPACED_POD_SCHEMA);
  const selector = (part: "namespaceSelector" | "podSelector") =>
    readPlainSelector(fields.get(part) ?? field.fail(`has no ${part}`, `${part} ({} selects all)`));
  return {
    pods: {
      namespaceSelector: selector("namespaceSelector"),
      podSelector: selector("podSelector"),
    },
  };
}

function readRules(
  field: Cursor | undefined,
  direction: RuleDirection,
  dialect: ClusterPolicyDialect,
): ClusterNetworkPolicyRule[] {
  const items = field?.items() ?? [];
  if (items.length > dialect.max) {
    field?.fail(`has ${items.length} rules`, `at most ${dialect.max}`);
  }
  return items.map((item) => readRule(item, direction, dialect));
}

function readRule(
  field: Cursor,
  direction: RuleDirection,
  dialect: ClusterPolicyDialect,
): ClusterNetworkPolicyRule {
  const fields = field.fields(ruleSchema(direction, dialect));
  const actionField = fields.get("action") ??
    field.fail("has no action", `action, one of ${dialect.actions.join(", ")}`);
  const written = readAction(actionField, dialect);
  const action = written === "Allow" ? "Accept" : written;
  const peersName = direction === "ingress" ? "from" : "to";
  const peersField = fields.get(peersName) ??
    field.fail(`has no ${peersName}`, `${peersName} with at least one peer`);
  const peers = itemsUpTo(peersField, dialect.max, "peer").map((item) =>
    readPeer(item, direction, dialect)
  );
  if (action !== "Accept" && peers.some((peer) => "domainNames" in peer)) {
    // Other names may have the same addresses.
    peersField.fail(`has domainNames with action ${written}`, "domainNames in a rule that accepts");
  }
  const portsField = fields.get(dialect.ports);
  const protocols = portsField === undefined
    ? undefined
    : itemsUpTo(portsField, dialect.max, "port").map(dialect.readPort);
  const podsOnly = peers.every((peer) => "namespaces" in peer || "pods" in peer);
  if (!podsOnly && protocols?.some((protocol) => "namedPort" in protocol)) {
    portsField?.fail(
      "has a named port for peers that are no pods",
      "a port number with nodes, networks and domainNames",
    );
  }
  const name = readRuleName(fields.get("name"));
  return { ...optional("name", name), action, peers, ...optional("protocols", protocols) };
}

/** The older generation allowed where the newer one accepts. */
function readAction(field: Cursor, { actions }: ClusterPolicyDialect): Action {
  const text = field.string();
  const action = actions.find((a) => a === text);
  if (action !== undefined) return action;
  const accepting = ["Accept", "Allow"].includes(text);
  const suggestion = accepting ? actions[0] : nearest(text, actions);
  field.fail(`is ${JSON.stringify(text)}`, `one of ${actions.join(", ")}`, suggestion);
}

function readRuleName(field: Cursor | undefined): string | undefined {
  const name = field?.string();
  if (name !== undefined && name.length > 100) {
    field?.fail(`has ${name.length} characters`, "at most 100");
  }
  return name === "" ? undefined : name;
}

function readPeer(
  field: Cursor,
  direction: RuleDirection,
  { max }: ClusterPolicyDialect,
): ClusterNetworkPolicyPeer {
  if (direction === "ingress") return readSubject(field);
  const fields = field.fields(EGRESS_PEER_SCHEMA);
  const names = ["namespaces", "pods", "nodes", "networks", "domainNames"] as const;
  const [name, found] = onlyField(field, fields, names);
  switch (name) {
    case "nodes":
      return { nodes: readPlainSelector(found) };
    case "networks":
      return { networks: itemsUpTo(found, max, "network").map(readNetwork) };
    case "domainNames":
      return { domainNames: itemsUpTo(found, max, "domain name").map(readDomainName) };
    default:
      return readPods(name, found);
  }
}

/** Unlike elsewhere, a block here may not have bits after its length. */
function readNetwork(field: Cursor): IpPrefix {
  const prefix = readPrefix(field);
  const text = field.string();
  const address = tryParseIpAddress(text.slice(0, text.indexOf("/")));
  if (address?.text === prefix.address.text) return prefix;
  field.fail(`is ${JSON.stringify(text)}, inside a larger block`, "its first address", prefix.text);
}

function readDomainName(field: Cursor): string {
  const name = field.string();
  const label = "[a-zA-Z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?";
  if (name.length <= 255 && new RegExp(`^(\\*\\.)?(${label}\\.)+${label}\\.?$`).test(name)) {
    return name.toLowerCase().replace(/\.$/, "");
  }
  field.fail(`is ${JSON.stringify(name)}`, "a domain name, or *. before one");
}

function readProtocol(field: Cursor): ClusterNetworkPolicyProtocol {
  const fields = field.fields(PROTOCOL_SCHEMA);
  const names = ["tcp", "udp", "sctp", "destinationNamedPort"] as const;
  const [name, found] = onlyField(field, fields, names);
  if (name === "destinationNamedPort") return { namedPort: readPortName(found) };
  const portField = found.fields(TRANSPORT_SCHEMA).get("destinationPort") ??
    found.fail("is empty", "destinationPort");
  const [form, port] = onlyField(portField, portField.fields(PORT_SCHEMA), ["number", "range"]);
  const protocol = ({ tcp: "TCP", udp: "UDP", sctp: "SCTP" } as const)[name];
  if (form === "range") return { protocol, ports: readPortRange(port) };
  const number = port.integer(1, 0xffff);
  return { protocol, ports: { start: number, end: number } };
}

/** Reads the name of a container port. */
export function readPortName(field: Cursor): string {
  const name = field.string();
  if (isServiceName(name)) return name;
  field.fail(`is ${JSON.stringify(name)}`, "the name of a container port");
}

/** Reads `start` and `end`, the first below the second. */
export function readPortRange(
  field: Cursor,
  fields: ReadonlyMap<string, Cursor> = field.fields(RANGE_SCHEMA),
): { start: number; end: number } {
  const startField = fields.get("start") ?? field.fail("has no start", "start and end");
  const endField = fields.get("end") ?? field.fail("has no end", "start and end");
  const start = startField.integer(1, 0xffff);
  const end = endField.integer(1, 0xffff);
  if (end <= start) endField.fail(`is ${end}, not above start ${start}`, `${start + 1} to 65535`);
  return { start, end };
}
