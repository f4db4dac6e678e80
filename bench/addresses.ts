/**
 * The ipcache that its figures are measured with, generated from a seed: 80 % addresses
 * of pods, 15 % of hosts, 5 % CIDRs.
 *
 * @module
 */
import {
  IDENTITY_REMOTE_NODE,
  IDENTITY_RESERVED_MAX,
  IDENTITY_SCOPE_SHIFT,
} from "../src/datapath/layout.ts";
import { Random } from "./random.ts";

/** IPv4 addresses or CIDRs and what they belong to; item i of every array. */
export interface AddressSet {
  /** Host byte order. */
  readonly addresses: Uint32Array;
  /** 32 for an address. */
  readonly prefixLengths: Uint8Array;
  readonly identities: Uint32Array;
  readonly slots: Uint32Array;
}

const POD_NETWORK = 0x0A000000; // 10.0.0.0/8
const PODS_PER_NODE = 110;
const HOST_NETWORK = 0xAC100000; // 172.16.0.0/12
const CIDR_LENGTHS = [12, 16, 20, 22, 24, 26, 28];
const CIDR_IDENTITIES = 16384;
/** Slots of CIDRs begin here, above those of every pod. */
const FIRST_CIDR_SLOT = 32768;

/** An address in network byte order. */
export function addressBytes(address: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(address >>> 24, address >>> 16, address >>> 8, address);
}

/** First 96 bits of the IPv6 address that stands for an IPv4 one, so that the sets are alike. */
export const NETWORK6 = Uint8Array.of(0xFD, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0);

/** The IPv6 address that stands for an IPv4 one: neighbours stay neighbours. */
export function addressBytes6(address: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(...NETWORK6, ...addressBytes(address));
}

function inPodNetwork(address: number): boolean {
  return address >>> 24 === POD_NETWORK >>> 24;
}

function inHostNetwork(address: number): boolean {
  return address >>> 20 === HOST_NETWORK >>> 20;
}

/** `count` different CIDRs outside the networks of pods and hosts. */
function drawCidrs(random: Random, count: number): { address: number; length: number }[] {
  const drawn = new Map<string, { address: number; length: number }>();
  while (drawn.size < count) {
    const length = random.pick(CIDR_LENGTHS);
    const address = (random.next() & -1 << 32 - length) >>> 0;
    if (inPodNetwork(address) || inHostNetwork(address)) continue;
    drawn.set(`${address}/${length}`, { address, length });
  }
  return [...drawn.values()];
}

/** Options of {@linkcode addressSet}. */
export interface AddressSetOptions {
  /** Identities that the pods share, one slot each from 256 on. @default {16384} */
  readonly podIdentities?: number;
  /** Identity of a slot. @default {the slot's number} */
  readonly identityOf?: (slot: number) => number;
  /** @default {1} */
  readonly seed?: number;
}

/** `count` addresses and CIDRs; no two the same. */
export function addressSet(count: number, options: AddressSetOptions = {}): AddressSet {
  const { podIdentities = 16384, identityOf = (slot) => slot, seed = 1 } = options;
  const random = new Random(seed);
  const cidrs = drawCidrs(random, Math.floor(count * 0.05));
  const hosts = random.distinct(Math.floor(count * 0.15), HOST_NETWORK, 1 << 20);
  const podCount = count - cidrs.length - hosts.length;

  const addresses = new Uint32Array(count);
  const prefixLengths = new Uint8Array(count).fill(32);
  const identities = new Uint32Array(count);
  const slots = new Uint32Array(count);
  let at = 0;
  const add = (address: number, identity: number, slot: number) => {
    addresses[at] = address;
    identities[at] = identity;
    slots[at] = slot;
    at++;
  };
  for (let i = 0; i < podCount; i++) {
    // Each node has a /24 of its own.
    const address = POD_NETWORK + (Math.floor(i / PODS_PER_NODE) << 8) + i % PODS_PER_NODE + 1;
    const slot = IDENTITY_RESERVED_MAX + 1 + random.below(podIdentities);
    add(address, identityOf(slot), slot);
  }
  for (const host of hosts) add(host, IDENTITY_REMOTE_NODE, IDENTITY_REMOTE_NODE);
  for (const { address, length } of cidrs) {
    prefixLengths[at] = length;
    const number = random.below(CIDR_IDENTITIES);
    add(address, (1 << IDENTITY_SCOPE_SHIFT) + 1 + number, FIRST_CIDR_SLOT + number);
  }
  return { addresses, prefixLengths, identities, slots };
}

/** `count` addresses to look up, host byte order: known ones, inside a CIDR, and unknown. */
export function drawAddresses(set: AddressSet, count: number, seed = 1): Uint32Array<ArrayBuffer> {
  const random = new Random(seed);
  return Uint32Array.from({ length: count }, () => {
    if (random.chance(5)) return random.next();
    const i = random.below(set.addresses.length);
    const hostBits = 2 ** (32 - (set.prefixLengths[i] ?? 32));
    return (set.addresses[i] ?? 0) + random.below(hostBits);
  });
}
