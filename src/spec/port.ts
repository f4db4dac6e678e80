import type { ContainerPort } from "../cluster/object.ts";
import type { NamedPortSpec, PortRule, PortSpec } from "../cluster/rule.ts";
import type { Peer } from "./peer.ts";
import type { RuleDirection } from "../cluster/rule.ts";
import type { Effect } from "./statement.ts";

/** What a rule can ask of a flow's transport. */
export interface Transport {
  /** IP protocol number. */
  readonly protocol: number;
  /** Destination port, host order; ICMP type where the protocol is ICMP or ICMPv6. */
  readonly port: number;
  /** What is declared where the flow goes to: port names mean these. */
  readonly declared: readonly ContainerPort[];
  /** The declarations are those of several pods, which may differ. */
  readonly isShared: boolean;
}

/** Protocol numbers behind the names that policies use. `ANY` is not every protocol. */
export const PROTOCOL_NUMBERS = {
  TCP: [6],
  UDP: [17],
  SCTP: [132],
  ANY: [6, 17, 132],
} as const;

type ProtocolName = keyof typeof PROTOCOL_NUMBERS;

/**
 * How narrowly a `toPorts` item covers the flow, `undefined` if it does not: in bits of
 * protocol (8) and port (16) that its narrowest port fixes. A range counts as the largest
 * aligned block of it that holds the flow's port, as it does in a policy map.
 */
export function narrownessOf(
  { ports, namedPorts = [] }: PortRule,
  transport: Transport,
  effect: Effect,
): number | undefined {
  const numbered = ports.filter((port) => isToPort(port, transport))
    .map((port) => port.port === 0 ? ONE_PROTOCOL : narrownessOfRange(port, transport.port));
  const named = namedPorts.filter((port) => isToNamedPort(port, transport, effect)).map(() =>
    ONE_PORT
  );
  const all = [...numbered, ...named];
  return all.length === 0 ? undefined : Math.max(...all);
}

/** Bits that are fixed where only the protocol is. */
export const ONE_PROTOCOL = 8;
/** Bits that are fixed where protocol and port are. */
export const ONE_PORT = 24;

function narrownessOfRange({ port, endPort = port }: PortSpec, at: number): number {
  for (let size = 65536, bits = ONE_PROTOCOL; size > 1; size /= 2, bits++) {
    const first = at - at % size;
    if (first >= port && first + size - 1 <= endPort) return bits;
  }
  return ONE_PORT;
}

/** Is the flow to the port, or in the range? Port 0 is every port of the protocol. */
export function isToPort({ protocol, port, endPort }: PortSpec, to: Transport): boolean {
  if (!isProtocol(protocol, to.protocol)) return false;
  if (port === 0) return true;
  return to.port >= port && to.port <= (endPort ?? port);
}

/**
 * Is the flow to a container port of that name?
 * https://docs.cilium.io/en/stable/security/policy/layer4/#limit-ingress-egress-ports
 *
 * Where the pods of one identity mean different ports by a name, a rule that denies is
 * about all of them, any other about none: nothing is open that should be closed.
 */
export function isToNamedPort(
  { name, protocol }: NamedPortSpec,
  to: Transport,
  effect: Effect,
): boolean {
  const meant = to.declared.filter((declared) =>
    declared.name?.toLowerCase() === name.toLowerCase() &&
    isProtocol(declared.protocol, to.protocol) && isProtocol(protocol, to.protocol)
  );
  if (!meant.some(({ port }) => port === to.port)) return false;
  return effect === "deny" || !to.isShared || meant.every(({ port }) => port === to.port);
}

/** The transport of a flow, as one side's policies see it. */
export function transportOf(
  { protocol, port }: Pick<Transport, "protocol" | "port">,
  destination: Peer,
  direction: RuleDirection,
): Transport {
  if (destination.kind !== "pod") return { protocol, port, declared: [], isShared: false };
  const { ports = [], sharedPorts = ports } = destination;
  // At ingress the destination is the subject, whose own ports count. At egress it is a
  // peer, known by its labels.
  const isShared = direction === "egress";
  return { protocol, port, declared: isShared ? sharedPorts : ports, isShared };
}

/** Is the number one of those that the name stands for? */
export function isProtocol(name: ProtocolName, number: number): boolean {
  return PROTOCOL_NUMBERS[name].some((one) => one === number);
}
