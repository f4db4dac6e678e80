import { DEBUG } from "./debug";
import {
  CT4_KEY_DADDR_OFF,
  CT4_KEY_DIRECTION_OFF,
  CT4_KEY_DPORT_OFF,
  CT4_KEY_PAD_OFF,
  CT4_KEY_PROTOCOL_OFF,
  CT4_KEY_SADDR_OFF,
  CT4_KEY_SIZE,
  CT4_KEY_SPORT_OFF,
  CT6_KEY_DADDR_OFF,
  CT6_KEY_DIRECTION_OFF,
  CT6_KEY_DPORT_OFF,
  CT6_KEY_PAD_OFF,
  CT6_KEY_PROTOCOL_OFF,
  CT6_KEY_SADDR_OFF,
  CT6_KEY_SIZE,
  CT6_KEY_SPORT_OFF,
  CT_ENTRY_BYTES_OFF,
  CT_ENTRY_COOKIE_OFF,
  CT_ENTRY_EXPIRES_OFF,
  CT_ENTRY_FLAGS_OFF,
  CT_ENTRY_PACKETS_OFF,
  CT_ENTRY_REDIRECT_OFF,
  CT_ENTRY_REPLY_PACKETS_OFF,
  CT_ENTRY_REPLY_TCP_FLAGS_OFF,
  CT_ENTRY_REPORTED_OFF,
  CT_ENTRY_SIZE,
  CT_ENTRY_SRC_IDENTITY_OFF,
  CT_ENTRY_TCP_FLAGS_OFF,
  CT_ESTABLISHED,
  CT_FORWARD_CLOSING,
  CT_LIFETIME_OTHER,
  CT_LIFETIME_TCP,
  CT_LIFETIME_TCP_CLOSE,
  CT_LIFETIME_TCP_SYN,
  CT_NEW,
  CT_RELATED,
  CT_REPLY,
  CT_REPLY_CLOSING,
  CT_SEEN_REPLY,
  CT_UNTRACKED,
  DIRECTION_EGRESS,
  DROP_CT_CREATE_FAILED,
  MAX_CONNTRACK,
} from "./layout";
import { IPPROTO_TCP, TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from "./net";
import { DADDR_OFF, packet, quoted, SADDR_OFF, Tuple, tuple, verdict } from "./packet";
import { hashFlow4, hashFlow6 } from "./hash";
import {
  clear,
  evict,
  find,
  firstSlot,
  nextSlot,
  NOT_FOUND,
  positionIn,
  removeAt,
  reserve,
  slotEntry,
  Table,
  tagMatches,
  upsert,
} from "./table";
import { CONNTRACK4_OFF, CONNTRACK6_OFF, CT_CREATED_OFF, CT_KEY_OFF, own } from "./worker";

/*
 * bpf/conntrack.h in AssemblyScript. The kernel's maps evict a flow that was not used for long
 * when they are full; here it is one of a few whose time is over first.
 */

// @ts-ignore: decorator
@inline
export function conntrack4(): Table {
  return changetype<Table>(own + CONNTRACK4_OFF);
}

// @ts-ignore: decorator
@inline
export function conntrack6(): Table {
  return changetype<Table>(own + CONNTRACK6_OFF);
}

/** Takes all memory of a worker at once, so that no packet has to. */
export function initConntrack(workers: u32): bool {
  const limit = MAX_CONNTRACK / workers;
  conntrack4().limit = conntrack6().limit = limit;
  return reserve(conntrack4(), limit, CT4_KEY_SIZE, CT_ENTRY_SIZE) == 0 &&
    reserve(conntrack6(), limit, CT6_KEY_SIZE, CT_ENTRY_SIZE) == 0;
}

export function clearConntrack(): void {
  clear(conntrack4(), CT4_KEY_SIZE);
  clear(conntrack6(), CT6_KEY_SIZE);
}

// @ts-ignore: decorator
@inline
function writeKey4(ends: Tuple, direction: u32, reverse: bool): void {
  const key = own + CT_KEY_OFF;
  store<u32>(key, <u32>(reverse ? ends.daddrLow : ends.saddrLow), CT4_KEY_SADDR_OFF);
  store<u32>(key, <u32>(reverse ? ends.saddrLow : ends.daddrLow), CT4_KEY_DADDR_OFF);
  store<u16>(key, reverse ? ends.dport : ends.sport, CT4_KEY_SPORT_OFF);
  store<u16>(key, reverse ? ends.sport : ends.dport, CT4_KEY_DPORT_OFF);
  store<u8>(key, ends.protocol, CT4_KEY_PROTOCOL_OFF);
  store<u8>(key, <u8>(reverse ? 1 - direction : direction), CT4_KEY_DIRECTION_OFF);
  store<u16>(key, 0, CT4_KEY_PAD_OFF);
}

// @ts-ignore: decorator
@inline
function writeKey6(ends: Tuple, direction: u32, reverse: bool): void {
  const key = own + CT_KEY_OFF;
  const addresses = changetype<usize>(ends);
  const saddr = v128.load(addresses, SADDR_OFF);
  const daddr = v128.load(addresses, DADDR_OFF);
  v128.store(key, reverse ? daddr : saddr, CT6_KEY_SADDR_OFF);
  v128.store(key, reverse ? saddr : daddr, CT6_KEY_DADDR_OFF);
  store<u16>(key, reverse ? ends.dport : ends.sport, CT6_KEY_SPORT_OFF);
  store<u16>(key, reverse ? ends.sport : ends.dport, CT6_KEY_DPORT_OFF);
  store<u8>(key, ends.protocol, CT6_KEY_PROTOCOL_OFF);
  store<u8>(key, <u8>(reverse ? 1 - direction : direction), CT6_KEY_DIRECTION_OFF);
  store<u16>(key, 0, CT6_KEY_PAD_OFF);
}

/**
 * Address of the entry of a packet's flow or, reversed, of the flow that it answers; 0: there
 * is none that is alive.
 */
function findEntry(ends: Tuple, direction: u32, reverse: bool, now: u32): usize {
  let position: u32;
  let table: Table;
  if (ends.family == 4) {
    table = conntrack4();
    writeKey4(ends, direction, reverse);
    position = find(table, own + CT_KEY_OFF, CT4_KEY_SIZE);
  } else {
    table = conntrack6();
    writeKey6(ends, direction, reverse);
    position = find(table, own + CT_KEY_OFF, CT6_KEY_SIZE);
  }
  if (position == NOT_FOUND) return 0;
  const entry = table.values + <usize>position * CT_ENTRY_SIZE;
  return load<u32>(entry, CT_ENTRY_EXPIRES_OFF) > now ? entry : 0;
}

/** A flow that is over and starts again, as when a client reuses its port. */
// @ts-ignore: decorator
@inline
function reopens(entry: usize): bool {
  return packet.protocol == IPPROTO_TCP &&
    (<u32>packet.tcpFlags & (TCP_SYN | TCP_ACK)) == TCP_SYN &&
    (<u32>load<u8>(entry, CT_ENTRY_FLAGS_OFF) & (CT_FORWARD_CLOSING | CT_REPLY_CLOSING)) != 0;
}

/**
 * Whether the packet that an ICMP error quotes belongs to a known flow. Whoever is told of it
 * at one direction's policy has sent or answered it through the other's.
 */
function isRelated(direction: u32, now: u32): bool {
  // Endpoints are no routers: they tell of what was sent to them.
  if (
    direction == DIRECTION_EGRESS &&
    (quoted.daddrLow != packet.saddrLow || quoted.daddrHigh != packet.saddrHigh)
  ) return false;
  return findEntry(quoted, 1 - direction, false, now) != 0 ||
    findEntry(quoted, 1 - direction, true, now) != 0;
}

/** An entry's address, of whose low bits none is set, with the state of its packet in them. */
type Found = usize;
const STATE_MASK: usize = CT_ENTRY_SIZE - 1;

// @ts-ignore: decorator
@inline
export function foundState(found: Found): u32 {
  return <u32>(found & STATE_MASK);
}

/** Set for CT_REPLY and CT_ESTABLISHED; else 0. */
// @ts-ignore: decorator
@inline
export function foundEntry(found: Found): usize {
  return found & ~STATE_MASK;
}

/** Whether an entry stands for a flow that goes on with the packet under way. */
// @ts-ignore: decorator
@inline
function goesOn(entry: usize, now: u32): bool {
  return load<u32>(entry, CT_ENTRY_EXPIRES_OFF) > now && !reopens(entry);
}

/** The last 8 bytes of the key of a flow and of its reply: ports, protocol, direction. */
// @ts-ignore: decorator
@inline
function portsOf(source: u64, destination: u64, direction: u32): u64 {
  return source | destination << 16 | <u64>packet.protocol << 32 | <u64>direction << 40;
}

/**
 * Finds the packet's flow, the one it answers first. Flow and reply have one hash: the index is
 * walked once for both, and keys are compared in registers.
 */
// @ts-ignore: decorator
@inline
function lookupFlow4(direction: u32, now: u32): Found {
  const table = conntrack4();
  const saddr = packet.saddrLow;
  const daddr = packet.daddrLow;
  const addresses = saddr | daddr << 32;
  const reverseAddresses = daddr | saddr << 32;
  const ports = portsOf(<u64>packet.sport, <u64>packet.dport, direction);
  const reversePorts = portsOf(<u64>packet.dport, <u64>packet.sport, 1 - direction);
  let hash = packet.flowHash;
  if (!hash) hash = hashFlow4(addresses, ports);
  if (DEBUG) assert(hash == hashFlow4(addresses, ports)); // it was read from the same headers
  let found: usize = 0;
  for (let slot = firstSlot(table, hash);; slot = nextSlot(table, slot)) {
    const indexed = slotEntry(table, slot);
    if (!indexed) break;
    if (!tagMatches(indexed, hash)) continue;
    const position = <usize>positionIn(indexed);
    const key = table.keys + position * CT4_KEY_SIZE;
    const keyAddresses = load<u64>(key);
    const keyPorts = load<u64>(key, 8);
    const entry = table.values + position * CT_ENTRY_SIZE;
    if (keyAddresses == reverseAddresses && keyPorts == reversePorts && goesOn(entry, now)) {
      return entry | CT_REPLY;
    }
    if (keyAddresses == addresses && keyPorts == ports && goesOn(entry, now)) found = entry;
  }
  return found ? found | CT_ESTABLISHED : CT_NEW;
}

/** The same over IPv6. */
// @ts-ignore: decorator
@inline
function lookupFlow6(direction: u32, now: u32): Found {
  const table = conntrack6();
  const addresses = changetype<usize>(packet);
  const saddr = v128.load(addresses, SADDR_OFF);
  const daddr = v128.load(addresses, DADDR_OFF);
  const ports = portsOf(<u64>packet.sport, <u64>packet.dport, direction);
  const reversePorts = portsOf(<u64>packet.dport, <u64>packet.sport, 1 - direction);
  let hash = packet.flowHash;
  if (!hash) {
    hash = hashFlow6(
      packet.saddrLow,
      packet.saddrHigh,
      packet.daddrLow,
      packet.daddrHigh,
      ports,
    );
  }
  let found: usize = 0;
  for (let slot = firstSlot(table, hash);; slot = nextSlot(table, slot)) {
    const indexed = slotEntry(table, slot);
    if (!indexed) break;
    if (!tagMatches(indexed, hash)) continue;
    const position = <usize>positionIn(indexed);
    const key = table.keys + position * CT6_KEY_SIZE;
    const keySource = v128.load(key, CT6_KEY_SADDR_OFF);
    const keyDestination = v128.load(key, CT6_KEY_DADDR_OFF);
    const keyPorts = load<u64>(key, CT6_KEY_SPORT_OFF);
    const entry = table.values + position * CT_ENTRY_SIZE;
    if (
      keyPorts == reversePorts && sameEnds(keySource, daddr, keyDestination, saddr) &&
      goesOn(entry, now)
    ) {
      return entry | CT_REPLY;
    }
    if (
      keyPorts == ports && sameEnds(keySource, saddr, keyDestination, daddr) && goesOn(entry, now)
    ) found = entry;
  }
  return found ? found | CT_ESTABLISHED : CT_NEW;
}

// @ts-ignore: decorator
@inline
function sameEnds(a: v128, b: v128, c: v128, d: v128): bool {
  return !v128.any_true(v128.or(v128.xor(a, b), v128.xor(c, d)));
}

/** Finds the packet's flow. */
// @ts-ignore: decorator
@inline
export function conntrackLookup(direction: u32, now: u32): Found {
  if (!packet.trackable) {
    return packet.quotes && isRelated(direction, now) ? CT_RELATED : CT_UNTRACKED;
  }
  return packet.family == 4 ? lookupFlow4(direction, now) : lookupFlow6(direction, now);
}

/** Seconds that a flow in this state may stay silent, after these TCP flags of its own. */
// @ts-ignore: decorator
@inline
function lifetime(protocol: u32, flags: u32, tcpFlags: u32): u32 {
  const closing = CT_FORWARD_CLOSING | CT_REPLY_CLOSING;
  if (protocol != IPPROTO_TCP) return CT_LIFETIME_OTHER;
  if ((flags & closing) == closing) return CT_LIFETIME_TCP_CLOSE;
  return flags & CT_SEEN_REPLY && tcpFlags & TCP_ACK ? CT_LIFETIME_TCP : CT_LIFETIME_TCP_SYN;
}

/** The flags that this packet adds to its flow. */
// @ts-ignore: decorator
@inline
function packetFlags(state: u32): u32 {
  const flags: u32 = state == CT_REPLY ? CT_SEEN_REPLY : 0;
  if (packet.protocol != IPPROTO_TCP) return flags;
  if (<u32>packet.tcpFlags & TCP_RST) return flags | CT_FORWARD_CLOSING | CT_REPLY_CLOSING;
  if (<u32>packet.tcpFlags & TCP_FIN) {
    return flags | (state == CT_REPLY ? CT_REPLY_CLOSING : CT_FORWARD_CLOSING);
  }
  return flags;
}

/** Counts the packet in a counter of packets and that of bytes behind it. */
// @ts-ignore: decorator
@inline
function countIn(counters: usize): void {
  const packet1 = i64x2.replace_lane(i64x2(1, 0), 1, <i64>packet.length);
  v128.store(counters, i64x2.add(v128.load(counters), packet1));
}

/** How far the bytes of TCP flags seen are above those of the entry's flags, in one word. */
const TCP_FLAGS_SHIFT: u32 = <u32>(CT_ENTRY_TCP_FLAGS_OFF - CT_ENTRY_FLAGS_OFF) << 3;
const REPLY_TCP_FLAGS_SHIFT: u32 = <u32>(CT_ENTRY_REPLY_TCP_FLAGS_OFF - CT_ENTRY_FLAGS_OFF) << 3;

/** Counts an admitted packet of a known flow. */
// @ts-ignore: decorator
@inline
export function conntrackUpdate(entry: usize, state: u32, now: u32): void {
  let shift = TCP_FLAGS_SHIFT;
  if (state == CT_REPLY) {
    shift = REPLY_TCP_FLAGS_SHIFT;
    countIn(entry + CT_ENTRY_REPLY_PACKETS_OFF);
  } else {
    countIn(entry + CT_ENTRY_PACKETS_OFF);
    store<u32>(entry, verdict.cookie, CT_ENTRY_COOKIE_OFF);
    store<u16>(entry, verdict.redirect, CT_ENTRY_REDIRECT_OFF);
  }
  // All flags in one word: each access is compared with the end of memory.
  const before = load<u32>(entry, CT_ENTRY_FLAGS_OFF);
  const flags = before | packetFlags(state) | <u32>packet.tcpFlags << shift;
  store<u32>(entry, flags, CT_ENTRY_FLAGS_OFF);
  const seconds = lifetime(packet.protocol, flags & 0xFF, flags >> TCP_FLAGS_SHIFT & 0xFF);
  store<u32>(entry, now + seconds, CT_ENTRY_EXPIRES_OFF);
}

/** Ends a flow that policy allows no more: the other end's answers are none either. */
export function conntrackDelete(entry: usize): void {
  if (packet.family == 4) removeEntry(conntrack4(), entry, CT4_KEY_SIZE);
  else removeEntry(conntrack6(), entry, CT6_KEY_SIZE);
}

function removeEntry(table: Table, entry: usize, keySize: usize): void {
  const position = <u32>((entry - table.values) / CT_ENTRY_SIZE);
  removeAt(table, position, keySize, CT_ENTRY_SIZE);
}

/** Remembers a new flow. Returns 0 or a drop reason. */
export function conntrackCreate(direction: u32, now: u32): i32 {
  const flags = packetFlags(CT_NEW);
  const created = own + CT_CREATED_OFF;
  v128.store(created, i64x2.splat(0));
  v128.store(created, i64x2.splat(0), 16);
  v128.store(created, i64x2.splat(0), 32);
  v128.store(created, i64x2.splat(0), 48);
  store<u64>(created, 1, CT_ENTRY_PACKETS_OFF);
  store<u64>(created, <u64>packet.length, CT_ENTRY_BYTES_OFF);
  const expires = now + lifetime(packet.protocol, flags, packet.tcpFlags);
  store<u32>(created, expires, CT_ENTRY_EXPIRES_OFF);
  store<u32>(created, packet.srcIdentity, CT_ENTRY_SRC_IDENTITY_OFF);
  store<u8>(created, <u8>flags, CT_ENTRY_FLAGS_OFF);
  store<u32>(created, now, CT_ENTRY_REPORTED_OFF);
  store<u32>(created, verdict.cookie, CT_ENTRY_COOKIE_OFF);
  store<u16>(created, verdict.redirect, CT_ENTRY_REDIRECT_OFF);
  store<u8>(created, packet.tcpFlags, CT_ENTRY_TCP_FLAGS_OFF);
  if (packet.family == 4) {
    writeKey4(tuple(), direction, false);
    return insert(conntrack4(), CT4_KEY_SIZE);
  }
  writeKey6(tuple(), direction, false);
  return insert(conntrack6(), CT6_KEY_SIZE);
}

/** Stores the new entry, in the place of an old one where the table is full. */
// @ts-ignore: decorator
@inline
function insert(table: Table, keySize: usize): i32 {
  if (table.count >= table.limit) evict(table, keySize, CT_ENTRY_SIZE, CT_ENTRY_EXPIRES_OFF);
  const error = upsert(table, own + CT_KEY_OFF, own + CT_CREATED_OFF, keySize, CT_ENTRY_SIZE);
  return error < 0 ? DROP_CT_CREATE_FAILED : 0;
}
