/**
 * `struct event`, as both datapaths raise it, in words.
 *
 * @module
 */
import type { IpAddress } from "../cluster/ip_address.ts";
import {
  DIRECTION_INGRESS,
  EVENT_COOKIE_OFF,
  EVENT_DADDR_OFF,
  EVENT_DIRECTION_OFF,
  EVENT_DPORT_OFF,
  EVENT_DROP,
  EVENT_ENDPOINT_OFF,
  EVENT_FAMILY_OFF,
  EVENT_POLICY_VERDICT,
  EVENT_PROTOCOL_OFF,
  EVENT_REASON_OFF,
  EVENT_SADDR_OFF,
  EVENT_SIZE,
  EVENT_SPORT_OFF,
  EVENT_TRACE,
  EVENT_TYPE_OFF,
} from "../datapath/layout.ts";
import { addressOfBytes } from "../verify/address.ts";

/** Ports, protocol and addresses of a packet. Ports are in host byte order. */
export interface FlowTuple {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** IP protocol number. */
  readonly protocol: number;
  /** Identifier of an ICMP echo request. */
  readonly sport: number;
  /** ICMP type. */
  readonly dport: number;
}

/** What a program told about a packet. */
export interface FlowEvent {
  readonly type: "drop" | "policy_verdict" | "trace";
  /** Drop reason; 0 for a packet that went on. */
  readonly reason: number;
  /** Whose policy: the source's (egress) or the destination's. */
  readonly direction: "ingress" | "egress";
  /** Endpoint id of that policy. */
  readonly endpoint: number;
  /** Names the rules behind the verdict; 0 for none. */
  readonly cookie: number;
  /** Absent if the packet had no IP header that could be read. */
  readonly flow: FlowTuple | undefined;
}

const TYPES: ReadonlyMap<number, FlowEvent["type"]> = new Map([
  [EVENT_DROP, "drop"],
  [EVENT_POLICY_VERDICT, "policy_verdict"],
  [EVENT_TRACE, "trace"],
]);

/**
 * Reads one event.
 *
 * @throws {RangeError} If the bytes are not one event of a known type.
 */
export function decodeEvent(bytes: Uint8Array): FlowEvent {
  const type = TYPES.get(bytes[EVENT_TYPE_OFF] ?? 0);
  if (bytes.length !== EVENT_SIZE || type === undefined) {
    throw new RangeError(
      `Cannot read event: ${bytes.length} bytes of type ${bytes[EVENT_TYPE_OFF]}, ` +
        `expected ${EVENT_SIZE} of a known type`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const direction = view.getUint8(EVENT_DIRECTION_OFF);
  return {
    type,
    reason: view.getUint8(EVENT_REASON_OFF),
    direction: direction === DIRECTION_INGRESS ? "ingress" : "egress",
    endpoint: view.getUint16(EVENT_ENDPOINT_OFF, true),
    cookie: view.getUint32(EVENT_COOKIE_OFF, true),
    flow: tupleOf(view),
  };
}

/** Reads events that stand back to back. */
export function decodeEvents(bytes: Uint8Array): FlowEvent[] {
  const events: FlowEvent[] = [];
  for (let at = 0; at < bytes.length; at += EVENT_SIZE) {
    events.push(decodeEvent(bytes.subarray(at, at + EVENT_SIZE)));
  }
  return events;
}

function tupleOf(view: DataView): FlowTuple | undefined {
  const family = view.getUint8(EVENT_FAMILY_OFF);
  if (family !== 4 && family !== 6) return undefined;
  const address = (offset: number) =>
    addressOfBytes(
      new Uint8Array(view.buffer, view.byteOffset + offset, family === 4 ? 4 : 16),
    );
  return {
    source: address(EVENT_SADDR_OFF),
    destination: address(EVENT_DADDR_OFF),
    protocol: view.getUint8(EVENT_PROTOCOL_OFF),
    sport: view.getUint16(EVENT_SPORT_OFF), // network byte order, as in the packet
    dport: view.getUint16(EVENT_DPORT_OFF),
  };
}

/** A text that is equal for equal tuples only. */
export function tupleKey({ source, destination, protocol, sport, dport }: FlowTuple): string {
  return `${protocol} ${source.text} ${sport} ${destination.text} ${dport}`;
}
