import {
  CT_LIFETIME_FRAGMENT,
  DROP_FRAG_NOSUPPORT,
  DROP_FRAG_NOT_FOUND,
  FRAGMENT4_KEY_DADDR_OFF,
  FRAGMENT4_KEY_ID_OFF,
  FRAGMENT4_KEY_PROTOCOL_OFF,
  FRAGMENT4_KEY_SADDR_OFF,
  FRAGMENT4_KEY_SIZE,
  FRAGMENT6_KEY_DADDR_OFF,
  FRAGMENT6_KEY_ID_OFF,
  FRAGMENT6_KEY_SADDR_OFF,
  FRAGMENT6_KEY_SIZE,
  FRAGMENT_INFO_CREATES_OFF,
  FRAGMENT_INFO_DPORT_OFF,
  FRAGMENT_INFO_EXPIRES_OFF,
  FRAGMENT_INFO_PAD_OFF,
  FRAGMENT_INFO_POLICY_PORT_OFF,
  FRAGMENT_INFO_PROTOCOL_OFF,
  FRAGMENT_INFO_SIZE,
  FRAGMENT_INFO_SPORT_OFF,
  FRAGMENT_INFO_TRACKABLE_OFF,
  MAX_FRAGMENTS,
} from "./layout";
import { DADDR_OFF, FRAGMENT_FIRST, packet, SADDR_OFF } from "./packet";
import { clear, evict, find, NOT_FOUND, reserve, Table, upsert } from "./table";
import {
  FRAGMENT_KEY_OFF,
  FRAGMENT_VALUE_OFF,
  FRAGMENTS4_OFF,
  FRAGMENTS6_OFF,
  own,
} from "./worker";

/* bpf/fragment.h in AssemblyScript: a later fragment is judged as its first one was. */

// @ts-ignore: decorator
@inline
export function fragments4(): Table {
  return changetype<Table>(own + FRAGMENTS4_OFF);
}

// @ts-ignore: decorator
@inline
export function fragments6(): Table {
  return changetype<Table>(own + FRAGMENTS6_OFF);
}

/** Takes all memory of a worker at once, so that no packet has to. */
export function initFragments(workers: u32): bool {
  const limit = MAX_FRAGMENTS / workers;
  fragments4().limit = fragments6().limit = limit;
  return reserve(fragments4(), limit, FRAGMENT4_KEY_SIZE, FRAGMENT_INFO_SIZE) == 0 &&
    reserve(fragments6(), limit, FRAGMENT6_KEY_SIZE, FRAGMENT_INFO_SIZE) == 0;
}

export function clearFragments(): void {
  clear(fragments4(), FRAGMENT4_KEY_SIZE);
  clear(fragments6(), FRAGMENT6_KEY_SIZE);
}

function writeKey4(): void {
  v128.store(own + FRAGMENT_KEY_OFF, i64x2.splat(0));
  store<u32>(own + FRAGMENT_KEY_OFF, <u32>packet.saddrLow, FRAGMENT4_KEY_SADDR_OFF);
  store<u32>(own + FRAGMENT_KEY_OFF, <u32>packet.daddrLow, FRAGMENT4_KEY_DADDR_OFF);
  store<u16>(own + FRAGMENT_KEY_OFF, <u16>packet.fragmentId, FRAGMENT4_KEY_ID_OFF);
  store<u8>(own + FRAGMENT_KEY_OFF, packet.protocol, FRAGMENT4_KEY_PROTOCOL_OFF);
}

function writeKey6(): void {
  const addresses = changetype<usize>(packet);
  v128.store(own + FRAGMENT_KEY_OFF, v128.load(addresses, SADDR_OFF), FRAGMENT6_KEY_SADDR_OFF);
  v128.store(own + FRAGMENT_KEY_OFF, v128.load(addresses, DADDR_OFF), FRAGMENT6_KEY_DADDR_OFF);
  // The pad behind it as well.
  store<u64>(own + FRAGMENT_KEY_OFF, <u64>packet.fragmentId, FRAGMENT6_KEY_ID_OFF);
}

/** Remembers a first fragment. Returns 0 or a drop reason. */
function remember(now: u32): i32 {
  store<u32>(own + FRAGMENT_VALUE_OFF, now + CT_LIFETIME_FRAGMENT, FRAGMENT_INFO_EXPIRES_OFF);
  store<u32>(own + FRAGMENT_VALUE_OFF, packet.policyPort, FRAGMENT_INFO_POLICY_PORT_OFF);
  store<u16>(own + FRAGMENT_VALUE_OFF, packet.sport, FRAGMENT_INFO_SPORT_OFF);
  store<u16>(own + FRAGMENT_VALUE_OFF, packet.dport, FRAGMENT_INFO_DPORT_OFF);
  store<u8>(own + FRAGMENT_VALUE_OFF, packet.protocol, FRAGMENT_INFO_PROTOCOL_OFF);
  store<u8>(own + FRAGMENT_VALUE_OFF, <u8>packet.trackable, FRAGMENT_INFO_TRACKABLE_OFF);
  store<u8>(own + FRAGMENT_VALUE_OFF, <u8>packet.creates, FRAGMENT_INFO_CREATES_OFF);
  store<u8>(own + FRAGMENT_VALUE_OFF, 0, FRAGMENT_INFO_PAD_OFF);
  if (packet.family == 4) {
    writeKey4();
    return insert(fragments4(), FRAGMENT4_KEY_SIZE);
  }
  writeKey6();
  return insert(fragments6(), FRAGMENT6_KEY_SIZE);
}

/** Stores the entry, in the place of an old one where the table is full. */
function insert(table: Table, keySize: usize): i32 {
  const key = own + FRAGMENT_KEY_OFF;
  const info = own + FRAGMENT_VALUE_OFF;
  if (table.count >= table.limit) {
    evict(table, keySize, FRAGMENT_INFO_SIZE, FRAGMENT_INFO_EXPIRES_OFF);
  }
  const error = upsert(table, key, info, keySize, FRAGMENT_INFO_SIZE);
  return error < 0 ? DROP_FRAG_NOSUPPORT : 0;
}

/** Gives a later fragment what its first one said. Returns 0 or a drop reason. */
function recall(now: u32): i32 {
  let table: Table;
  let position: u32;
  if (packet.family == 4) {
    writeKey4();
    table = fragments4();
    position = find(table, own + FRAGMENT_KEY_OFF, FRAGMENT4_KEY_SIZE);
  } else {
    writeKey6();
    table = fragments6();
    position = find(table, own + FRAGMENT_KEY_OFF, FRAGMENT6_KEY_SIZE);
  }
  if (position == NOT_FOUND) return DROP_FRAG_NOT_FOUND;
  const found = table.values + <usize>position * FRAGMENT_INFO_SIZE;
  if (load<u32>(found, FRAGMENT_INFO_EXPIRES_OFF) <= now) return DROP_FRAG_NOT_FOUND;
  packet.policyPort = load<u32>(found, FRAGMENT_INFO_POLICY_PORT_OFF);
  packet.sport = load<u16>(found, FRAGMENT_INFO_SPORT_OFF);
  packet.dport = load<u16>(found, FRAGMENT_INFO_DPORT_OFF);
  packet.protocol = load<u8>(found, FRAGMENT_INFO_PROTOCOL_OFF);
  packet.trackable = load<bool>(found, FRAGMENT_INFO_TRACKABLE_OFF);
  packet.creates = load<bool>(found, FRAGMENT_INFO_CREATES_OFF);
  return 0;
}

/** Returns 0 or a drop reason. */
export function fragmentResolve(now: u32): i32 {
  return packet.fragment == FRAGMENT_FIRST ? remember(now) : recall(now);
}
