/** Protocol and destination port of a flow, in host order. */
export interface FlowPort {
  /** IP protocol number. */
  readonly protocol: number;
  /** Destination port; the type where the protocol is ICMP or ICMPv6; 0 without ports. */
  readonly port: number;
}

/** Numbers of the protocols that flows can be asked about, by lower-case name. */
const PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ["tcp", 6],
  ["udp", 17],
  ["sctp", 132],
  ["icmp", 1],
  ["icmpv4", 1],
  ["icmpv6", 58],
]);
const NAMES: ReadonlyMap<number, string> = new Map([
  [6, "TCP"],
  [17, "UDP"],
  [132, "SCTP"],
  [1, "ICMP"],
  [58, "ICMPv6"],
]);
const ECHO_REQUEST: ReadonlyMap<number, number> = new Map([[1, 8], [58, 128]]);
const MAX_PORT = 65535;
const MAX_ICMP_TYPE = 255;

/**
 * Parses `80/TCP`, `80` (TCP), `8/ICMP` (the type in the port's place) or `ICMP` (an echo
 * request).
 *
 * @throws {SyntaxError} when the text is none of these.
 */
export function parsePort(text: string): FlowPort {
  const match = /^(?:([0-9]{1,5})(?:\/([A-Za-z0-9]{3,6}))?|(icmp|icmpv4|icmpv6))$/i.exec(text);
  const [, number, name = "tcp", alone] = match ?? [];
  const protocol = PROTOCOLS.get((alone ?? name).toLowerCase());
  if (match === null || protocol === undefined) {
    throw new SyntaxError(
      `Cannot use ${JSON.stringify(text.slice(0, 40))} as a port: not a port, ` +
        `expected for example 80/TCP, 53/UDP or 8/ICMP`,
    );
  }
  return flowPort(protocol, number === undefined ? undefined : Number(number));
}

/**
 * Makes a port of a protocol's name and a number, as in `{"protocol":"TCP","port":80}`.
 *
 * @param port May be absent for ICMP: an echo request.
 * @throws {SyntaxError} when there is no such protocol or port.
 */
export function portOf(protocol: string, port: number | undefined): FlowPort {
  const number = PROTOCOLS.get(protocol.toLowerCase());
  if (number !== undefined) return flowPort(number, port);
  throw new SyntaxError(
    `Cannot use ${JSON.stringify(protocol.slice(0, 40))} as a protocol: unknown, ` +
      `expected TCP, UDP, SCTP, ICMP or ICMPv6`,
  );
}

function flowPort(protocol: number, port = ECHO_REQUEST.get(protocol)): FlowPort {
  const isIcmp = ECHO_REQUEST.has(protocol);
  const [least, most] = isIcmp ? [0, MAX_ICMP_TYPE] : [1, MAX_PORT];
  if (port !== undefined && Number.isInteger(port) && port >= least && port <= most) {
    return { protocol, port };
  }
  const what = isIcmp ? "an ICMP type" : "a port";
  throw new SyntaxError(
    `Cannot use "${port ?? "nothing"}" as ${what}: out of range, expected ${least} to ${most}`,
  );
}

/** Returns `80/TCP`, `8/ICMP`, or `protocol 47`. */
export function formatPort({ protocol, port }: FlowPort): string {
  const name = NAMES.get(protocol);
  return name === undefined ? `protocol ${protocol}` : `${port}/${name}`;
}

/** Returns `TCP`, `ICMPv6`, or `protocol 47`. */
export function formatProtocol(protocol: number): string {
  return NAMES.get(protocol) ?? `protocol ${protocol}`;
}
