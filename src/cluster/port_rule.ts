import type { Cursor } from "./cursor.ts";
import type { PortProtocol, PortRule, PortSpec } from "./rule.ts";
import type { Schema } from "./schema.ts";

const PORT_SCHEMA: Schema = { port: {}, endPort: {}, protocol: {} };

/** Fields of one item of `toPorts`. */
export const PORT_RULE_SCHEMA: Schema = {
  ports: { list: true, fields: PORT_SCHEMA },
  rules: { unsupported: "L7 rules" },
  terminatingTLS: { unsupported: "TLS interception" },
  originatingTLS: { unsupported: "TLS interception" },
  serverNames: { unsupported: "SNI rules" },
  listener: { unsupported: "Envoy listeners" },
};

const MAX_PORTS = 40;
const PROTOCOLS = ["TCP", "UDP", "SCTP", "ANY"] as const;
const PROTOCOLS_NOT_YET = ["ICMP", "ICMPV6", "VRRP", "IGMP"];

/**
 * Reads one item of `toPorts`: 1 to 40 ports. (Cilium's limit of 40 is per item:
 * https://docs.cilium.io/en/stable/security/policy/language/#layer-4-examples)
 */
export function readPortRule(field: Cursor): PortRule {
  const ports = field.fields(PORT_RULE_SCHEMA).get("ports");
  if (ports === undefined) field.fail("has no ports", "ports");
  const items = ports.items();
  if (items.length === 0) ports.fail("is an empty list", "at least one port");
  if (items.length > MAX_PORTS) ports.fail(`has ${items.length} ports`, `at most ${MAX_PORTS}`);
  return { ports: items.map(readPort) };
}

function readPort(field: Cursor): PortSpec {
  const fields = field.fields(PORT_SCHEMA);
  const portField = fields.get("port");
  const port = portField === undefined ? 0 : readPortNumber(portField);
  const protocolField = fields.get("protocol");
  const protocol = protocolField === undefined ? "ANY" : readProtocol(protocolField);
  const endField = fields.get("endPort");
  const endPort = endField === undefined ? 0 : readPortNumber(endField);
  if (endField === undefined || endPort === 0) return { port, protocol };
  if (port === 0) endField.fail("is set without a port", "port, the first of the range");
  if (endPort < port) endField.fail(`is ${endPort}, below port ${port}`, `${port} to 65535`);
  return { port, endPort, protocol };
}

/** Empty and "0" both mean every port. */
function readPortNumber(field: Cursor): number {
  const text = field.stringOrNumber();
  if (text === "") return 0;
  if (/^(0|[1-9][0-9]*)$/.test(text) && Number(text) <= 0xffff) return Number(text);
  // IANA service names have a letter; they are names of container ports here.
  if (/^[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?$/i.test(text) && /[a-z]/i.test(text)) {
    field.fail(`is the named port ${JSON.stringify(text)}, not supported yet`, "a port number");
  }
  field.fail(`is ${JSON.stringify(text)}`, "a port number, 0 to 65535 without leading zeros");
}

function readProtocol(field: Cursor): PortProtocol {
  const text = field.string();
  // An empty protocol is how Go clients write an absent one.
  if (text === "") return "ANY";
  const name = text.toUpperCase();
  if (PROTOCOLS_NOT_YET.includes(name)) {
    field.fail(`is ${JSON.stringify(text)}, not supported yet`, `one of ${PROTOCOLS.join(", ")}`);
  }
  return PROTOCOLS.find((p) => p === name) ?? field.oneOf(PROTOCOLS);
}
