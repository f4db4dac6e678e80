import {
  EVENT_COOKIE_OFF,
  EVENT_CT_STATE_OFF,
  EVENT_DIRECTION_OFF,
  EVENT_DPORT_OFF,
  EVENT_DST_IDENTITY_OFF,
  EVENT_ENDPOINT_OFF,
  EVENT_FAMILY_OFF,
  EVENT_MATCH_TYPE_OFF,
  EVENT_PROTOCOL_OFF,
  EVENT_REASON_OFF,
  EVENT_REVISION_OFF,
  EVENT_SIZE,
  EVENT_SPORT_OFF,
  EVENT_SRC_IDENTITY_OFF,
  EVENT_TIMESTAMP_OFF,
  EVENT_TYPE_OFF,
  EVENT_VERDICT_OFF,
} from "../datapath/layout.ts";

/** The fields of `struct event` that an opinion has a word on. Host order. */
export interface EventRecord {
  readonly type: number;
  readonly reason: number;
  readonly direction: number;
  readonly matchType: number;
  readonly endpoint: number;
  readonly verdict: number;
  readonly ctState: number;
  /** Ambient clock, nanoseconds: names the packet, as each one has its own time. */
  readonly timestamp: bigint;
  readonly source: number;
  readonly destination: number;
  readonly cookie: number;
  readonly revision: number;
  /** 4 or 6; 0 when no IP header was read. */
  readonly family: number;
  readonly protocol: number;
  readonly sport: number;
  /** ICMP: the type. */
  readonly dport: number;
}

/** Reads event number `index` of records that lie back to back. */
export function readEvent(events: DataView, index: number): EventRecord {
  const at = index * EVENT_SIZE;
  return {
    type: events.getUint8(at + EVENT_TYPE_OFF),
    reason: events.getUint8(at + EVENT_REASON_OFF),
    direction: events.getUint8(at + EVENT_DIRECTION_OFF),
    matchType: events.getUint8(at + EVENT_MATCH_TYPE_OFF),
    endpoint: events.getUint16(at + EVENT_ENDPOINT_OFF, true),
    verdict: events.getUint8(at + EVENT_VERDICT_OFF),
    ctState: events.getUint8(at + EVENT_CT_STATE_OFF),
    timestamp: events.getBigUint64(at + EVENT_TIMESTAMP_OFF, true),
    source: events.getUint32(at + EVENT_SRC_IDENTITY_OFF, true),
    destination: events.getUint32(at + EVENT_DST_IDENTITY_OFF, true),
    cookie: events.getUint32(at + EVENT_COOKIE_OFF, true),
    revision: events.getUint32(at + EVENT_REVISION_OFF, true),
    family: events.getUint8(at + EVENT_FAMILY_OFF),
    protocol: events.getUint8(at + EVENT_PROTOCOL_OFF),
    sport: events.getUint16(at + EVENT_SPORT_OFF),
    dport: events.getUint16(at + EVENT_DPORT_OFF),
  };
}

/**
 * Splits a stream of events by packet. Each packet of a batch has a time of its own, and
 * a datapath raises the events of one packet before it takes the next.
 */
export class EventIndex {
  readonly #first = new Map<bigint, number>();
  readonly #view: DataView;
  readonly #count: number;

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#count = Math.floor(bytes.length / EVENT_SIZE);
    for (let i = 0; i < this.#count; i++) {
      const time = this.#timeOf(i);
      if (!this.#first.has(time)) this.#first.set(time, i);
    }
  }

  /** The events of the packet that arrived at a time, oldest first. */
  at(now: bigint): EventRecord[] {
    const records: EventRecord[] = [];
    const first = this.#first.get(now) ?? this.#count;
    for (let i = first; i < this.#count && this.#timeOf(i) === now; i++) {
      records.push(readEvent(this.#view, i));
    }
    return records;
  }

  /** The bytes of those events. */
  bytesAt(now: bigint): Uint8Array {
    const first = this.#first.get(now);
    if (first === undefined) return new Uint8Array();
    let end = first;
    while (end < this.#count && this.#timeOf(end) === now) end++;
    return this.bytes.subarray(first * EVENT_SIZE, end * EVENT_SIZE);
  }

  #timeOf(index: number): bigint {
    return this.#view.getBigUint64(index * EVENT_SIZE + EVENT_TIMESTAMP_OFF, true);
  }
}
