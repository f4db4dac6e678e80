import type { PacketBuilder } from "../../datapath/packet_builder.ts";
import type { Family } from "../address.ts";
import { ROW_ENDPOINT } from "../row_node.ts";
import { ip, type RowOutcome, type RowPacket, type RowParty } from "./row.ts";

const { SUBJECT } = ROW_ENDPOINT;

/** ICMP types that quote a packet, and a code that means nothing special; by family. */
export const ERRORS = {
  4: [{ type: 3, code: 1 }, { type: 3, code: 3 }, { type: 11, code: 0 }, { type: 12, code: 0 }],
  6: [{ type: 1, code: 4 }, { type: 2, code: 0 }, { type: 3, code: 0 }, { type: 4, code: 1 }],
} as const;

/** Type and code of an ICMP message. */
export type Message = { readonly type: number; readonly code: number };

/** An ICMP message that quotes a packet. */
export function error(
  family: Family,
  from: RowParty,
  to: RowParty,
  message: Message,
  quoted: PacketBuilder | Uint8Array,
): Uint8Array {
  const start = ip(family, from, to);
  const icmp = family === 4 ? start.icmp(message) : start.icmpv6(message);
  return icmp.quote(quoted).build();
}

/** UDP between two parties. */
export function udp(
  family: Family,
  from: RowParty,
  to: RowParty,
  source: number,
  destination: number,
) {
  return ip(family, from, to).udp({ source, destination });
}

/** The subject sends a packet. */
export function sends(packet: PacketBuilder | Uint8Array, becomes: RowOutcome, at = 0): RowPacket {
  const data = packet instanceof Uint8Array ? packet : packet.build();
  return { endpoint: SUBJECT, hook: "from_container", data, at, becomes };
}

/** The stack hands a packet to the subject. */
export function gets(packet: PacketBuilder | Uint8Array, becomes: RowOutcome, at = 0): RowPacket {
  return { ...sends(packet, becomes, at), hook: "to_container" };
}

/** An error that is nothing special. */
export function unreachable(family: Family): Message {
  return ERRORS[family][0];
}

/** Both ways that an error can go: its subject is told, or tells. Each has one open port. */
export const SIDES = [
  {
    name: "told to the subject",
    opens: sends,
    tells: gets,
    ends: ["SUBJECT", "WORLD"],
    back: ["CIDR", "SUBJECT"],
    port: 54,
    allowed: [13, 131],
  },
  {
    name: "told by the subject",
    opens: gets,
    tells: sends,
    ends: ["WORLD", "SUBJECT"],
    back: ["SUBJECT", "WORLD"],
    port: 53,
    allowed: [14, 132],
  },
] as const;

/** One of {@linkcode SIDES}. */
export type Side = typeof SIDES[number];

/** A packet of a flow that the side's rules open. */
export function asked(
  family: Family,
  { ends: [from, to], port }: Side,
  source: number,
): PacketBuilder {
  return udp(family, from, to, source, port);
}

/** An error about a packet, sent to who sent that. */
export function about(
  family: Family,
  { back: [from, to] }: Side,
  message: Message,
  quoted: PacketBuilder | Uint8Array,
): Uint8Array {
  return error(family, from, to, message, quoted);
}
