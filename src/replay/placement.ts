import type { NodeState } from "../datapath/datapath.ts";
import type { Hook } from "../datapath/packet_batch.ts";
import { addressOfBytes } from "../verify/address.ts";
import { toHex } from "../verify/bytes.ts";
import type { FrameEnds } from "./frame_ends.ts";

/** Where a packet enters the datapath. */
export interface Place {
  readonly endpoint: number;
  readonly hook: Hook;
}

/**
 * Finds the program that a captured packet would have met: that of the pod that sends it, else,
 * for what comes from elsewhere, that of the pod to which it goes. MAC addresses have the first
 * word, since they cannot be spoofed on a veth of one's own; a cluster's manifests have none, but
 * the captures of a reproducer do.
 */
export class Placement {
  readonly #senders = new Map<string, number>();
  readonly #receivers = new Map<string, number>();
  readonly #addresses = new Map<string, number>();
  readonly #otherwise: Place | undefined;

  /** @param stranger See `ReplayNode.stranger`. */
  constructor({ endpoints }: NodeState, stranger?: number) {
    for (const { id, mac, nodeMac, ipv4, ipv6 } of endpoints) {
      this.#senders.set(toHex(mac), id);
      this.#receivers.set(toHex(nodeMac) + toHex(mac), id);
      for (const bytes of [ipv4, ipv6]) {
        if (bytes !== undefined) this.#addresses.set(addressOfBytes(bytes).text, id);
      }
    }
    this.#otherwise = stranger === undefined
      ? undefined
      : { endpoint: stranger, hook: "from_container" };
  }

  /** The place of a packet, or `undefined` if no program of the node sees it. */
  of({ sourceMac, destinationMac, source, destination }: FrameEnds): Place | undefined {
    const from = this.#senders.get(toHex(sourceMac));
    if (from !== undefined) return { endpoint: from, hook: "from_container" };
    const to = this.#receivers.get(toHex(sourceMac) + toHex(destinationMac));
    if (to !== undefined) return { endpoint: to, hook: "to_container" };
    const sender = this.#addresses.get(source ?? "");
    if (sender !== undefined) return { endpoint: sender, hook: "from_container" };
    const receiver = this.#addresses.get(destination ?? "");
    return receiver === undefined ? this.#otherwise : { endpoint: receiver, hook: "to_container" };
  }
}
