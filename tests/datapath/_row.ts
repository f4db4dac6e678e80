import {
  MARK_ENFORCED,
  MARK_IDENTITY,
  PACKET_OK,
  PACKET_REDIRECT,
  PACKET_SHOT,
} from "../../src/datapath/layout.ts";
import type { PacketInput } from "../../src/datapath/packet_batch.ts";
import type { PacketBuilder } from "../../src/datapath/packet_builder.ts";
import { CLIENT_IDENTITY, SERVER } from "./_node.ts";

/** Ports of a client and a web server. */
export const WEB = { source: 4000, destination: 80 };
/** The same, back. */
export const WEB_REPLY = { source: 80, destination: 4000 };

/** A packet, and what becomes of it on a fresh node. */
export interface Row {
  readonly description: string;
  readonly packet: PacketBuilder | Uint8Array;
  /** Where it enters; from the client if absent. */
  readonly fields?: Partial<PacketInput>;
  readonly out: { readonly verdict: number; readonly mark: number };
  /** Absent: the packet as it came. */
  readonly packetOut?: Uint8Array;
  /** Reasons of the events, in order; 0 is a policy verdict. */
  readonly events: readonly number[];
}

/** Goes to an endpoint. */
export const ENFORCED = { verdict: PACKET_REDIRECT, mark: MARK_ENFORCED };
/** Goes to the stack, with the client's identity. */
export const TO_STACK = {
  verdict: PACKET_OK,
  mark: (CLIENT_IDENTITY << 16 | MARK_IDENTITY) >>> 0,
};
/** Goes nowhere. */
export const DROPPED = { verdict: PACKET_SHOT, mark: 0 };
/** Comes from host or stack. */
export const TO_CONTAINER = { endpoint: SERVER, hook: "to_container" } as const;
