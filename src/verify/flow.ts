import type { IpAddress } from "../cluster/ip_address.ts";
import type { Hook } from "../datapath/packet_batch.ts";

/** IP protocol numbers. */
export const IP_PROTOCOL = { ICMP: 1, TCP: 6, UDP: 17, GRE: 47, ICMPV6: 58, SCTP: 132 } as const;

/** TCP flag bits. */
export const TCP_FLAG = { FIN: 1, SYN: 2, RST: 4, ACK: 16 } as const;

/** ICMP types that conntrack knows, by family. */
export const ECHO_REQUEST = { 4: 8, 6: 128 } as const;
/** Answers to {@linkcode ECHO_REQUEST}. */
export const ECHO_REPLY = { 4: 0, 6: 129 } as const;

/** One well-formed packet, in the words of policy. All numbers are in host order. */
export interface Flow {
  /** Endpoint whose program runs. */
  readonly endpoint: number;
  readonly hook: Hook;
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** IP protocol number. */
  readonly protocol: number;
  /** Source port; identifier of an ICMP echo; of no meaning where there are no ports. */
  readonly sport: number;
  /** Destination port; ICMP type; 0 where there are no ports. */
  readonly dport: number;
  /** ICMP code. */
  readonly code: number;
  /** TCP only. */
  readonly tcpFlags: number;
  /** `skb->mark` on arrival. */
  readonly mark: number;
}

/** Tells whether the protocol is ICMP or ICMPv6. */
export function isIcmp({ protocol }: Pick<Flow, "protocol">): boolean {
  return protocol === IP_PROTOCOL.ICMP || protocol === IP_PROTOCOL.ICMPV6;
}

/** Tells whether the packet is an echo request or reply of its own family. */
export function isEcho(flow: Flow): boolean {
  const { family } = flow.source;
  return flow.protocol === (family === 4 ? IP_PROTOCOL.ICMP : IP_PROTOCOL.ICMPV6) &&
    (flow.dport === ECHO_REQUEST[family] || flow.dport === ECHO_REPLY[family]);
}

/** Tells whether the protocol has ports. */
export function hasPorts({ protocol }: Pick<Flow, "protocol">): boolean {
  return protocol === IP_PROTOCOL.TCP || protocol === IP_PROTOCOL.UDP ||
    protocol === IP_PROTOCOL.SCTP;
}

/** Tells whether conntrack remembers such packets: by ports, id, or addresses alone. */
export function isTracked(flow: Flow): boolean {
  return !isIcmp(flow) || isEcho(flow);
}

const PROTOCOL_NAME: Readonly<Record<number, string>> = {
  [IP_PROTOCOL.ICMP]: "ICMP",
  [IP_PROTOCOL.TCP]: "TCP",
  [IP_PROTOCOL.UDP]: "UDP",
  [IP_PROTOCOL.ICMPV6]: "ICMPv6",
  [IP_PROTOCOL.SCTP]: "SCTP",
};

/** Returns the protocol's name, or its number. */
export function protocolName(protocol: number): string {
  return PROTOCOL_NAME[protocol] ?? `protocol ${protocol}`;
}

/** Returns `80/TCP`, `ICMP type 8` or `protocol 47`. */
export function portName(protocol: number, port: number): string {
  if (isIcmp({ protocol })) return `${protocolName(protocol)} type ${port}`;
  return protocol in PROTOCOL_NAME ? `${port}/${protocolName(protocol)}` : protocolName(protocol);
}
