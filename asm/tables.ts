import { accounting } from "./accounting";
import { addressInfos } from "./address_trie";
import { allocate } from "./arena";
import { conntrack4, conntrack6 } from "./conntrack";
import {
  configureEndpoint,
} from "./endpoint_config";
import { endpoints, setEndpointPolicy, upsertEndpoint } from "./endpoints";
import {
  identities,
  identitySlot,
  ipcache4,
  ipcache4Cidr,
  ipcache6,
  ipcache6Cidr,
  removeAddress4,
  removeCidr4,
  removeCidr6,
  setInfo,
  upsertAddress4,
  upsertCidr4,
  upsertCidr6,
} from "./ipcache";
import { IPCACHE6_KEY_SIZE, IPCACHE_INFO_SIZE } from "./layout";
import { remove, Table, upsert } from "./table";

/*
 * The host's view of the tables: it names a table by number, writes addresses into a
 * staging area, and takes whole arrays of keys and values.
 */

/** 16 bytes into which the host writes an address; IPv4 in the first 4, the rest zero. */
const address: usize = memory.data(16, 16);
const key: usize = memory.data(4, 4);
const value: usize = memory.data(4, 4);
/** 0, 1, 2 …: the keys of arrays. */
let indexes: usize = 0;
let indexCount: u32 = 0;

export function addressStaging(): usize {
  return address;
}

function tableOf(number: u32): Table {
  switch (number) {
    case 0:
      return ipcache4;
    case 1:
      return ipcache6;
    case 2:
      return ipcache4Cidr;
    case 3:
      return ipcache6Cidr;
    case 4:
      return identities;
    case 5:
      return endpoints;
    case 6:
      return conntrack4();
    case 8:
      return accounting();
    case 9:
      return addressInfos;
    default:
      return conntrack6();
  }
}

/** Address of the table's descriptor; see {@linkcode Table}. */
export function tableDescriptor(number: u32): usize {
  return changetype<usize>(tableOf(number));
}

export function tableKeys(number: u32): usize {
  return tableOf(number).keys;
}

export function tableValues(number: u32): usize {
  return tableOf(number).values;
}

export function tableCount(number: u32): u32 {
  return tableOf(number).count;
}

/** Address of the u32 keys 0 to count − 1, 0 if memory is out. */
export function arrayKeys(count: u32): usize {
  if (count > indexCount) {
    const grown = allocate(<usize>count << 2);
    if (!grown) return 0;
    for (let i: u32 = 0; i < count; ++i) store<u32>(grown + (<usize>i << 2), i);
    indexes = grown; // views on the smaller array may still be in use: it is kept
    indexCount = count;
  }
  return indexes;
}

/** Maps the staged address to an identity. */
export function upsertIpcache(family: u32, identity: u32, slot: u32): i32 {
  const info = setInfo(identity, slot);
  return family == 4
    ? upsertAddress4(address, info)
    : upsert(ipcache6, address, info, IPCACHE6_KEY_SIZE, IPCACHE_INFO_SIZE);
}

/** Forgets the staged address. Returns whether it was known. */
export function removeIpcache(family: u32): bool {
  return family == 4
    ? removeAddress4(address)
    : remove(ipcache6, address, IPCACHE6_KEY_SIZE, IPCACHE_INFO_SIZE);
}

/** Maps the staged CIDR to an identity. */
export function upsertIpcacheCidr(
  family: u32,
  prefixLength: u32,
  identity: u32,
  slot: u32,
): i32 {
  const info = setInfo(identity, slot);
  return family == 4
    ? upsertCidr4(load<u32>(address), prefixLength, info)
    : upsertCidr6(address, prefixLength, info);
}

/** Forgets the staged CIDR. Returns whether it was known. */
export function removeIpcacheCidr(family: u32, prefixLength: u32): bool {
  return family == 4
    ? removeCidr4(load<u32>(address), prefixLength)
    : removeCidr6(address, prefixLength);
}

export function upsertIdentity(identity: u32, slot: u32): i32 {
  store<u32>(key, identity);
  store<u32>(value, slot);
  return upsert(identities, key, value, 4, 4);
}

/** Maps the staged address to a local endpoint. MACs: low 4 bytes, high 2 bytes. */
export function upsertLocalEndpoint(
  family: u32,
  id: u32,
  ifindex: u32,
  identity: u32,
  macLow: u32,
  macHigh: u32,
  nodeMacLow: u32,
  nodeMacHigh: u32,
): i32 {
  const mac = <u64>macHigh << 32 | <u64>macLow;
  const nodeMac = <u64>nodeMacHigh << 32 | <u64>nodeMacLow;
  return upsertEndpoint(family, address, id, ifindex, identity, mac, nodeMac);
}

/** Gives an endpoint its programs and its policy. The staged address is its IPv6 one. */
export function setEndpoint(
  id: u32,
  ifindex: u32,
  ipv4: u32,
  events: u32,
  identity: u32,
  slot: u32,
  policy: u32,
  flags: u32,
  eventInterval: u32,
): void {
  configureEndpoint(id, ifindex, ipv4, address, events, eventInterval);
  setEndpointPolicy(id, identitySlot(identity, slot), policy, flags);
}
