import type { ContainerPort } from "../cluster/object.ts";
import type { NamedPortSpec, PortRule, PortSpec } from "../cluster/rule.ts";
import type { Peer } from "./peer.ts";

/** What a rule can ask of a flow's transport. */
export interface Transport {
  /** IP protocol number. */
  readonly protocol: number;
  /** Destination port, host order; ICMP type where the protocol is ICMP or ICMPv6. */
  readonly port: number;
  /** Where the flow goes to: a port name means what *its* containers declare. */
  readonly destination: Peer;
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
): number | undefined {
  const numbered = ports.filter((port) => isToPort(port, transport))
    .map((port) => port.port === 0 ? ONE_PROTOCOL : narrownessOfRange(port, transport.port));
  const named = namedPorts.filter((port) => isToNamedPort(port, transport)).map(() => ONE_PORT);
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
 *
 * At ingress the destination is the subject, at egress the peer; the name means nothing
 * at what declares no ports, such as an address outside:
 * https://docs.cilium.io/en/stable/security/policy/language/#layer-4-examples
 */
export function isToNamedPort({ name, protocol }: NamedPortSpec, to: Transport): boolean {
  return declaredPorts(to.destination).some((declared) =>
    declared.name?.toLowerCase() === name.toLowerCase() && declared.port === to.port &&
    isProtocol(declared.protocol, to.protocol) && isProtocol(protocol, to.protocol)
  );
}

/** Is the number one of those that the name stands for? */
export function isProtocol(name: ProtocolName, number: number): boolean {
  return PROTOCOL_NUMBERS[name].some((one) => one === number);
}

function declaredPorts(peer: Peer): readonly ContainerPort[] {
  return peer.kind === "pod" ? peer.ports ?? [] : [];
}
