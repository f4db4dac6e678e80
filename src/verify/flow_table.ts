import {
  CT_ESTABLISHED,
  CT_LIFETIME_OTHER,
  CT_LIFETIME_TCP,
  CT_LIFETIME_TCP_CLOSE,
  CT_LIFETIME_TCP_SYN,
  CT_NEW,
  CT_REPLY,
} from "../datapath/layout.ts";
import { type Flow, IP_PROTOCOL, TCP_FLAG } from "./flow.ts";

/** What names a flow in one direction of policy. */
export interface Tuple {
  readonly source: string;
  readonly destination: string;
  readonly sport: number;
  readonly dport: number;
  readonly protocol: number;
  /** `DIRECTION_*`: at which policy the flow was admitted. */
  readonly direction: number;
}

interface TrackedFlow {
  /** Seconds of the ambient clock. */
  expires: number;
  answered: boolean;
  /** The one who asked has sent a segment with ACK. */
  acknowledged: boolean;
  closedForward: boolean;
  closedReply: boolean;
}

/** Flows by name, as the comments of `bpf/conntrack.h` tell it. */
export class FlowTable {
  readonly #flows = new Map<string, TrackedFlow>();

  get size(): number {
    return this.#flows.size;
  }

  clear(): void {
    this.#flows.clear();
  }

  /** `CT_REPLY`, `CT_ESTABLISHED` or `CT_NEW`. */
  find(tuple: Tuple, packet: Flow, now: number): number {
    if (this.#alive(nameOf(reversed(tuple)), packet, now)) return CT_REPLY;
    return this.#alive(nameOf(tuple), packet, now) ? CT_ESTABLISHED : CT_NEW;
  }

  /** Notes an admitted packet of a flow in the state that {@linkcode find} gave. */
  update(tuple: Tuple, packet: Flow, now: number, state: number): void {
    const name = nameOf(state === CT_REPLY ? reversed(tuple) : tuple);
    const old = state === CT_NEW ? undefined : this.#flows.get(name);
    const flow = old ??
      {
        expires: 0,
        answered: false,
        acknowledged: false,
        closedForward: false,
        closedReply: false,
      };
    if (state === CT_REPLY) flow.answered = true;
    if (packet.protocol === IP_PROTOCOL.TCP) {
      if (state !== CT_REPLY && packet.tcpFlags & TCP_FLAG.ACK) flow.acknowledged = true;
      const reset = (packet.tcpFlags & TCP_FLAG.RST) !== 0;
      const end = (packet.tcpFlags & TCP_FLAG.FIN) !== 0;
      if (reset || (end && state !== CT_REPLY)) flow.closedForward = true;
      if (reset || (end && state === CT_REPLY)) flow.closedReply = true;
    }
    flow.expires = now + lifetime(packet.protocol, flow);
    this.#flows.set(name, flow);
  }

  /** Ends a flow of which policy has refused a packet. */
  remove(tuple: Tuple): void {
    this.#flows.delete(nameOf(tuple));
  }

  /** A flow past its lifetime is none; nor is one that is over and starts again. */
  #alive(name: string, packet: Flow, now: number): boolean {
    const flow = this.#flows.get(name);
    if (flow === undefined || flow.expires <= now) return false;
    const opens = packet.protocol === IP_PROTOCOL.TCP &&
      (packet.tcpFlags & (TCP_FLAG.SYN | TCP_FLAG.ACK)) === TCP_FLAG.SYN;
    return !(opens && (flow.closedForward || flow.closedReply));
  }
}

function lifetime(protocol: number, flow: TrackedFlow): number {
  if (protocol !== IP_PROTOCOL.TCP) return CT_LIFETIME_OTHER;
  if (flow.closedForward && flow.closedReply) return CT_LIFETIME_TCP_CLOSE;
  return flow.answered && flow.acknowledged ? CT_LIFETIME_TCP : CT_LIFETIME_TCP_SYN;
}

/** The same flow, seen by the policy of the other end. */
function reversed({ source, destination, sport, dport, protocol, direction }: Tuple): Tuple {
  return {
    source: destination,
    destination: source,
    sport: dport,
    dport: sport,
    protocol,
    direction: 1 - direction,
  };
}

function nameOf({ source, destination, sport, dport, protocol, direction }: Tuple): string {
  return `${direction} ${protocol} ${source} ${sport} ${destination} ${dport}`;
}
