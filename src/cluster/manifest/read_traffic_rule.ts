import { ENTITIES } from "../rule_peer.ts";
import type { RuleDirection, TrafficRule } from "../rule.ts";
import type { Cursor } from "./cursor.ts";
import { optional } from "./presence.ts";
import { CIDR_SET_SCHEMA, readCidr, readCidrSetItem } from "./read_cidr.ts";
import { FQDN_SCHEMA, readFqdnSelector } from "./read_fqdn.ts";
import { ICMP_SCHEMA, readIcmpRule } from "./read_icmp.ts";
import { LABEL_SELECTOR_SCHEMA, readLabelSelector } from "./read_label_selector.ts";
import { DENY_PORT_RULE_SCHEMA, PORT_RULE_SCHEMA, readPortRule } from "./read_port_rule.ts";
import { readServicePeer, SERVICE_PEER_SCHEMA } from "./read_service_peer.ts";
import type { FieldSchema, Schema } from "./schema.ts";

const SELECTORS: FieldSchema = { list: true, fields: LABEL_SELECTOR_SCHEMA };
const AUTHENTICATION_SCHEMA: Schema = { mode: {} };
const MODES = ["disabled", "required", "test-always-fail"] as const;

const GROUPS = {
  state: "is not supported (the members of a group are only known to the cloud's own API)",
  expected: "a CIDR rule or a CiliumCIDRGroup",
};

/** Requirements on peers were removed (https://docs.cilium.io/en/v1.19/operations/upgrade/). */
const requires = (peers: string) => ({
  state: "was removed in Cilium 1.19",
  expected: `the requirement in ${peers}, or a deny rule`,
});

const INGRESS_PEERS: Schema = {
  fromEndpoints: SELECTORS,
  fromCIDR: { feature: "CIDR rules" },
  fromCIDRSet: { feature: "CIDR rules", list: true, fields: CIDR_SET_SCHEMA },
  fromEntities: { feature: "entities" },
  fromNodes: { ...SELECTORS, feature: "node selectors" },
  fromGroups: { refused: GROUPS },
  fromRequires: { refused: requires("fromEndpoints") },
};

const EGRESS_PEERS: Schema = {
  toEndpoints: SELECTORS,
  toCIDR: { feature: "CIDR rules" },
  toCIDRSet: { feature: "CIDR rules", list: true, fields: CIDR_SET_SCHEMA },
  toEntities: { feature: "entities" },
  toNodes: { ...SELECTORS, feature: "node selectors" },
  toServices: { feature: "service selectors", list: true, fields: SERVICE_PEER_SCHEMA },
  toGroups: { refused: GROUPS },
  toRequires: { refused: requires("toEndpoints") },
};

const ICMPS: FieldSchema = { feature: "ICMP rules", list: true, fields: ICMP_SCHEMA };

const ALLOW_ONLY: Schema = {
  toPorts: { list: true, fields: PORT_RULE_SCHEMA },
  icmps: ICMPS,
  authentication: { feature: "mutual authentication", fields: AUTHENTICATION_SCHEMA },
};

const DENY_ONLY: Schema = {
  toPorts: { list: true, fields: DENY_PORT_RULE_SCHEMA },
  icmps: ICMPS,
  authentication: {
    refused: { state: "is not possible in a deny rule", expected: "a rule that allows" },
  },
};

/** Fields of the items of the four lists of rules. */
export const RULE_SCHEMAS = {
  ingress: { ...INGRESS_PEERS, ...ALLOW_ONLY },
  ingressDeny: { ...INGRESS_PEERS, ...DENY_ONLY },
  egress: {
    ...EGRESS_PEERS,
    toFQDNs: { feature: "DNS names", list: true, fields: FQDN_SCHEMA },
    ...ALLOW_ONLY,
  },
  egressDeny: {
    ...EGRESS_PEERS,
    toFQDNs: {
      refused: {
        state: "is not possible in a deny rule (other names may have the same addresses)",
        expected: "toCIDR, or a rule that allows",
      },
    },
    ...DENY_ONLY,
  },
} as const satisfies Record<string, Schema>;

/** A list of rules in a spec. */
export type RuleList = keyof typeof RULE_SCHEMAS;

/**
 * Reads a rule. It names peers in one way only: Cilium refuses two ("Combining X and Y is
 * not supported yet", cilium/cilium pkg/policy/api/rule_validation.go), where an empty list
 * does not count.
 */
export function readTrafficRule(field: Cursor, list: RuleList): TrafficRule {
  // `- ` without content is null, which decodes like {}.
  if (field.isNull) return {};
  const direction: RuleDirection = list.startsWith("ingress") ? "ingress" : "egress";
  const deny = list.endsWith("Deny");
  const fields = field.fields(RULE_SCHEMAS[list]);
  const items = (name: string) => fields.get(name)?.items();
  const peers = (name: string) => items(`${direction === "ingress" ? "from" : "to"}${name}`);
  checkPeers(field, fields, direction);
  const icmps = items("icmps");
  const toPorts = items("toPorts");
  if ((icmps?.length ?? 0) > 0 && (toPorts?.length ?? 0) > 0) {
    field.fail("has both icmps and toPorts", "a rule for each of the two");
  }
  return {
    ...optional("endpoints", peers("Endpoints")?.map(readLabelSelector)),
    ...optional("cidrs", peers("CIDR")?.map(readCidr)),
    ...optional("cidrSets", peers("CIDRSet")?.map(readCidrSetItem)),
    ...optional("entities", peers("Entities")?.map((item) => item.oneOf(ENTITIES))),
    ...optional("nodes", peers("Nodes")?.map(readLabelSelector)),
    ...optional("services", peers("Services")?.map(readServicePeer)),
    ...optional("fqdns", peers("FQDNs")?.map(readFqdnSelector)),
    ...optional("icmps", icmps?.map(readIcmpRule)),
    ...optional("toPorts", toPorts?.map((item) => readPortRule(item, direction, deny))),
    ...optional("authentication", readAuthentication(fields.get("authentication"))),
  };
}

function checkPeers(
  field: Cursor,
  fields: ReadonlyMap<string, Cursor>,
  direction: RuleDirection,
): void {
  const peers = direction === "ingress" ? INGRESS_PEERS : { ...EGRESS_PEERS, toFQDNs: {} };
  const [first, second] = Object.keys(peers)
    .filter((name) => (fields.get(name)?.items().length ?? 0) > 0);
  if (first === undefined || second === undefined) return;
  field.fail(`has both ${first} and ${second}`, "a rule for each of the two");
}

function readAuthentication(field: Cursor | undefined): typeof MODES[number] | undefined {
  if (field === undefined) return undefined;
  const mode = field.fields(AUTHENTICATION_SCHEMA).get("mode") ??
    field.fail("has no mode", `mode, one of ${MODES.join(", ")}`);
  return mode.oneOf(MODES);
}
