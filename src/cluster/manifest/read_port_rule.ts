import type { L7Rules } from "../l7_rule.ts";
import type { NamedPortSpec, PortProtocol, PortRule, PortSpec, RuleDirection } from "../rule.ts";
import type { Cursor } from "./cursor.ts";
import { itemsUpTo, MAX_PORTS } from "./limits.ts";
import { optional } from "./presence.ts";
import {
  L7_SCHEMA,
  LISTENER_SCHEMA,
  readL7Rules,
  readListener,
  readTlsContext,
  TLS_SCHEMA,
} from "./read_l7_rules.ts";
import type { Schema } from "./schema.ts";

const PORT_SCHEMA: Schema = { port: {}, endPort: {}, protocol: {} };

/** Fields of one item of `toPorts`. */
export const PORT_RULE_SCHEMA: Schema = {
  ports: { list: true, fields: PORT_SCHEMA },
  rules: { fields: L7_SCHEMA },
  serverNames: { feature: "SNI rules" },
  listener: { feature: "Envoy listeners", fields: LISTENER_SCHEMA },
  terminatingTLS: { feature: "TLS interception", fields: TLS_SCHEMA },
  originatingTLS: { feature: "TLS interception", fields: TLS_SCHEMA },
};

const IN_DENY = {
  state: "is not possible in a deny rule (what it denies never reaches a proxy)",
  expected: "ports alone",
};

/** Fields of one item of `toPorts` in a deny rule. */
export const DENY_PORT_RULE_SCHEMA: Schema = {
  ports: { list: true, fields: PORT_SCHEMA },
  rules: { refused: IN_DENY },
  serverNames: { refused: IN_DENY },
  listener: { refused: IN_DENY },
  terminatingTLS: { refused: IN_DENY },
  originatingTLS: { refused: IN_DENY },
};

const NUMBER = "a number from 0 to 65535 without leading zeros";
const PROTOCOLS = ["TCP", "UDP", "SCTP", "ANY"] as const;

/** Cilium knows them, the first two in `icmps`, the others behind a switch. */
const OTHER_PROTOCOLS: ReadonlyMap<string, string> = new Map([
  ["ICMP", "a rule of its own with icmps"],
  ["ICMPV6", "a rule of its own with icmps"],
  ...["VRRP", "IGMP", "GRE", "IPIP", "IPV6", "ESP", "AH"].map((name) =>
    [name, `one of ${PROTOCOLS.join(", ")}`] as const
  ),
]);

/**
 * Reads one item of `toPorts`: 1 to 40 ports. (Cilium's limit of 40 is per item:
 * https://docs.cilium.io/en/stable/security/policy/language/#layer-4-examples)
 *
 * Cilium accepts an item without ports too, and it allows nothing; it is refused here.
 */
export function readPortRule(field: Cursor, direction: RuleDirection, deny: boolean): PortRule {
  const fields = field.fields(deny ? DENY_PORT_RULE_SCHEMA : PORT_RULE_SCHEMA);
  const list = fields.get("ports") ?? field.fail("has no ports", "ports");
  const items = itemsUpTo(list, MAX_PORTS, "port");
  const all = items.map(readPort);
  const ports = all.filter((port) => "port" in port);
  const namedPorts = all.filter((port) => "name" in port);
  const rulesField = fields.get("rules");
  const rules = rulesField === undefined ? undefined : readL7Rules(rulesField);
  if (rulesField !== undefined && rules !== undefined) {
    checkL7(rulesField, rules, direction, items, all);
  }
  const serverNames = readServerNames(fields.get("serverNames"));
  const listener = fields.get("listener");
  const terminatingTls = fields.get("terminatingTLS");
  const originatingTls = fields.get("originatingTLS");
  // The name is inside the TLS that the rules have to look into.
  if (serverNames !== undefined && rules !== undefined && terminatingTls === undefined) {
    field.fail("has serverNames with L7 rules", "terminatingTLS beside them, or one of the two");
  }
  if (listener !== undefined && direction === "ingress") {
    listener.fail("is for egress only", "an egress rule");
  }
  if (listener !== undefined && rules !== undefined) {
    field.fail("has a listener with L7 rules", "one of the two");
  }
  return {
    ports,
    ...optional("namedPorts", namedPorts.length === 0 ? undefined : namedPorts),
    ...optional("rules", rules),
    ...optional("serverNames", serverNames),
    ...optional("listener", listener === undefined ? undefined : readListener(listener)),
    ...optional(
      "terminatingTls",
      terminatingTls === undefined ? undefined : readTlsContext(terminatingTls),
    ),
    ...optional(
      "originatingTls",
      originatingTls === undefined ? undefined : readTlsContext(originatingTls),
    ),
  };
}

/** What the ports of L7 rules must be (cilium/cilium rule_validation.go, PortRule.Validate). */
function checkL7(
  field: Cursor,
  { kind }: L7Rules,
  direction: RuleDirection,
  items: readonly Cursor[],
  ports: readonly (PortSpec | NamedPortSpec)[],
): void {
  if (kind === "dns" && direction === "ingress") {
    field.fail("has DNS rules", "an egress rule for them");
  }
  ports.forEach((port, i) => {
    const item = items[i] ?? field;
    if (kind === "http" && port.protocol !== "TCP") {
      item.fail(`has protocol ${port.protocol} with HTTP rules`, "protocol TCP");
    }
    if (kind === "dns" && port.protocol === "SCTP") {
      item.fail("has protocol SCTP with DNS rules", "protocol UDP, TCP or ANY");
    }
    if (!("port" in port)) return;
    if (port.port === 0) item.fail("has port 0 with L7 rules", "a port");
    if (kind === "dns" && port.endPort !== undefined && port.endPort > port.port) {
      item.fail("has a range of ports with DNS rules", "a port");
    }
  });
}

function readPort(field: Cursor): PortSpec | NamedPortSpec {
  const fields = field.fields(PORT_SCHEMA);
  const protocolField = fields.get("protocol");
  const protocol = protocolField === undefined ? "ANY" : readProtocol(protocolField);
  const portField = fields.get("port");
  const endField = fields.get("endPort");
  const port = portField === undefined ? 0 : readPortOrName(portField);
  if (typeof port === "string") {
    portField?.uses("named ports");
    // Cilium ignores it: the name stands for one port.
    endField?.warn("is ignored with a named port", "no endPort");
    return { name: port, protocol };
  }
  const endPort = endField === undefined ? 0 : readPortNumber(endField);
  if (endField === undefined || endPort === 0) return { port, protocol };
  if (port === 0) endField.fail("is set without a port", "port, the first of the range");
  if (endPort < port) endField.fail(`is ${endPort}, below port ${port}`, `${port} to 65535`);
  return { port, endPort, protocol };
}

/**
 * Reads a port: a number, or a name in lower case. Empty and "0" both mean every port.
 *
 * As in Cilium, what has a letter is a name (an IANA service name: at most 15 letters,
 * digits and single hyphens), so `0x50` is one.
 */
function readPortOrName(field: Cursor): number | string {
  const text = field.stringOrNumber();
  const name = text.toLowerCase();
  if (isServiceName(name)) return name;
  return portNumberOf(field, text, `${NUMBER}, or the name of a container port`);
}

function readPortNumber(field: Cursor): number {
  return portNumberOf(field, field.stringOrNumber(), NUMBER);
}

function portNumberOf(field: Cursor, text: string, expected: string): number {
  if (text === "") return 0;
  if (/^(0|[1-9][0-9]*)$/.test(text) && Number(text) <= 0xffff) return Number(text);
  field.fail(`is ${JSON.stringify(text)}`, expected);
}

/** Tells whether a text, in lower case, is an IANA service name (RFC 6335). */
export function isServiceName(text: string): boolean {
  return text.length <= 15 && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(text) && /[a-z]/.test(text);
}

function readProtocol(field: Cursor): PortProtocol {
  const text = field.string();
  // An empty protocol is how Go clients write an absent one.
  if (text === "") return "ANY";
  const name = text.toUpperCase();
  const instead = OTHER_PROTOCOLS.get(name);
  if (instead !== undefined) {
    field.fail(`is ${JSON.stringify(text)}, which has no ports here`, instead);
  }
  return PROTOCOLS.find((p) => p === name) ?? field.oneOf(PROTOCOLS);
}

/**
 * Reads `serverNames`. As with L7 rules, a list without names is no condition.
 *
 * A `*` stands as in DNS patterns: `*.cilium.io` is one label deep, `**.cilium.io` any number
 * (https://github.com/cilium/cilium/pull/38615). Elsewhere than in front it is for Cilium 1.20
 * and later (https://github.com/cilium/cilium/pull/43674).
 */
function readServerNames(list: Cursor | undefined): readonly string[] | undefined {
  const items = list?.items() ?? [];
  if (items.length > 0) return items.map(readServerName);
  list?.warn("is an empty list, which lets everything through", "at least one server name");
  return undefined;
}

function readServerName(field: Cursor): string {
  const name = field.string();
  if (name === "") field.fail("is empty", "a server name");
  if (name.length <= 255 && /^[-a-zA-Z0-9_.*]+$/.test(name)) return name;
  field.fail(`is ${JSON.stringify(name)}`, "a server name of letters, digits, -, _, . and *");
}
