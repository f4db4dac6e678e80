/**
 * What paths are measured with: packets of pods, half of them to a peer at a port
 * that an entry names, the others to any address and port.
 *
 * @module
 */
import { DIRECTION_EGRESS } from "../src/datapath/layout.ts";
import type { PacketBatch } from "../src/datapath/packet_batch.ts";
import { newPacket, type PacketBuilder } from "../src/datapath/packet_builder.ts";
import { PROTOCOL } from "../src/policy/map_state.ts";
import { addressBytes, addressBytes6, type AddressSet, drawAddresses } from "./addresses.ts";
import { Random } from "./random.ts";
import type { Policy } from "./workloads.ts";

/** Where every packet comes from, host byte order. */
const SOURCE = 0x0AFFFFFE;
/** The same as bytes, and the IPv6 address that stands for it. */
export const PATH_SOURCE = addressBytes(SOURCE);
export const PATH_SOURCE6 = addressBytes6(SOURCE);
const EPHEMERAL_PORTS = 32768;
const EPHEMERAL_COUNT = 28000;
/** Peers without an address or a rule at egress that are drawn before any packet will do. */
const DRAWS = 64;

interface Target {
  /** Host byte order. */
  readonly address: number;
  readonly protocol: number;
  readonly port: number;
}

/** Headers of a packet to an address (host byte order), or to the IPv6 one that stands for it. */
export function pathHeaders(family: 4 | 6, address: number): PacketBuilder {
  const eth = newPacket().eth();
  return family === 4
    ? eth.ipv4({ source: PATH_SOURCE, destination: addressBytes(address) })
    : eth.ipv6({ source: PATH_SOURCE6, destination: addressBytes6(address) });
}

/** Options of {@linkcode PathPackets}. */
export interface PathPacketsOptions {
  /** 6: between the IPv6 addresses that stand for the set's. @default {4} */
  readonly family?: 4 | 6;
  /** @default {1} */
  readonly seed?: number;
}

/** Makes the same packets for the same seed. */
export class PathPackets {
  readonly #family: 4 | 6;
  readonly #random: Random;
  readonly #addressesOf = new Map<number, number[]>();
  readonly #strangers: Uint32Array;
  #made = 0;

  /** @param count How many packets will be made. */
  constructor(set: AddressSet, count: number, { family = 4, seed = 1 }: PathPacketsOptions = {}) {
    this.#family = family;
    this.#random = new Random(seed);
    this.#strangers = drawAddresses(set, count, seed);
    for (const [i, slot] of set.slots.entries()) {
      if (set.prefixLengths[i] !== 32) continue;
      const addresses = this.#addressesOf.get(slot) ?? [];
      addresses.push(set.addresses[i] ?? 0);
      this.#addressesOf.set(slot, addresses);
    }
  }

  /** Appends a TCP or UDP packet of an endpoint, whose policy it is. */
  add(batch: PacketBatch, endpoint: number, policy: Policy): void {
    const random = this.#random;
    const any = this.#stranger();
    const { address, protocol, port } = random.chance(50) ? this.#target(policy) ?? any : any;
    const ip = pathHeaders(this.#family, address);
    const l4 = { source: EPHEMERAL_PORTS + random.below(EPHEMERAL_COUNT), destination: port };
    const packet = protocol === PROTOCOL.UDP ? ip.udp(l4) : ip.tcp(l4);
    batch.add({ endpoint, hook: "from_container", data: packet.build() });
  }

  #stranger(): Target {
    const address = this.#strangers[this.#made++ % this.#strangers.length] ?? 0;
    return { address, protocol: PROTOCOL.TCP, port: this.#random.below(65536) };
  }

  /** A peer and a port of one of its entries. */
  #target({ peers }: Policy): Target | undefined {
    const random = this.#random;
    for (let draw = 0; draw < DRAWS; draw++) {
      const { slot, rules } = random.pick(peers);
      const addresses = this.#addressesOf.get(slot);
      if (rules.direction !== DIRECTION_EGRESS || addresses === undefined) continue;
      const { protocol, port } = random.pick(rules.entries);
      return { address: random.pick(addresses), protocol, port };
    }
    return undefined;
  }
}
