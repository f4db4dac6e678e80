import type { RuleOrigin } from "../cluster/rule.ts";
import { DROP_REASON_NAMES } from "../datapath/layout.ts";
import { portName, protocolName } from "../verify/flow.ts";
import type { FlowEvent, FlowTuple } from "./event.ts";

/** Gives names to what events have numbers for. */
export interface EventNames {
  /** Who has an address: `tiefighter`; `undefined` for an address that nobody has. */
  ownerOf(address: string): string | undefined;
  /** The rules that a cookie names; `undefined` for one that is unknown or too old. */
  rulesOf(cookie: number): readonly RuleOrigin[] | undefined;
}

/** `DROP_POLICY` → `policy`. */
export function reasonName(reason: number): string {
  const name = DROP_REASON_NAMES.get(reason);
  return name === undefined
    ? `reason ${reason}`
    : name.replace(/^(DROP|REASON)_/, "").toLowerCase().replaceAll("_", " ");
}

/** The policies behind a cookie, each once: `default/deathstar-ingress`. */
export function policiesOf(cookie: number, names: Pick<EventNames, "rulesOf">): string[] {
  const rules = names.rulesOf(cookie) ?? [];
  const policies = rules.map(({ namespace, name }) => namespace ? `${namespace}/${name}` : name);
  return [...new Set(policies)];
}

/**
 * One event as a sentence:
 *
 * - `tiefighter → deathstar:80/TCP allowed by default/deathstar-ingress`
 * - `xwing ✗ deathstar:80/TCP denied: policy`
 *
 * What differs from the usual follows in brackets: `(egress, IPv6)` for the source's policy.
 */
export function formatEvent(event: FlowEvent, names: EventNames): string {
  const { type, flow, direction, reason, cookie } = event;
  const unusual = [
    ...(direction === "egress" ? ["egress"] : []),
    ...(flow?.source.family === 6 ? ["IPv6"] : []),
  ];
  const side = unusual.length > 0 ? ` (${unusual.join(", ")})` : "";
  const policies = policiesOf(cookie, names);
  if (type === "drop") {
    const by = policies.length > 0 ? ` by ${policies.join(", ")}` : "";
    return `${formatFlow(flow, "✗", names)} denied${by}: ${reasonName(reason)}${side}`;
  }
  if (type === "trace") return `${formatFlow(flow, "·", names)} ${reasonName(reason)}${side}`;
  const unknown = names.rulesOf(cookie) === undefined;
  const why = policies.length > 0
    ? `allowed by ${policies.join(", ")}`
    : unknown
    ? "allowed by policies no longer known"
    : "allowed: no policy";
  return `${formatFlow(flow, "→", names)} ${why}${side}`;
}

function formatFlow(flow: FlowTuple | undefined, arrow: string, names: EventNames): string {
  if (!flow) return `unknown ${arrow} unknown`;
  const source = names.ownerOf(flow.source.text) ?? flow.source.text;
  const destination = names.ownerOf(flow.destination.text) ?? bracketed(flow.destination.text);
  return `${source} ${arrow} ${destination}:${formatPort(flow)}`;
}

function bracketed(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

/** `80/TCP`; `8/ICMP`, the type in the port's place as in the policy map. */
function formatPort({ protocol, dport }: FlowTuple): string {
  const name = protocolName(protocol);
  return portName(protocol, dport).startsWith(`${name} type`)
    ? `${dport}/${name}`
    : portName(protocol, dport);
}
