import { endpointId } from "./endpoint_config";
import {
  ACCOUNTING_KEY_DIRECTION_OFF,
  ACCOUNTING_KEY_ENDPOINT_OFF,
  ACCOUNTING_KEY_IDENTITY_OFF,
  ACCOUNTING_KEY_PORT_OFF,
  ACCOUNTING_KEY_PREFIX_LEN_OFF,
  ACCOUNTING_KEY_PROTOCOL_OFF,
  ACCOUNTING_KEY_SIZE,
  MATCH_L3,
  MATCH_L3_L4,
  MATCH_L3_PROTO,
  MATCH_NONE,
  MAX_ACCOUNTING,
  METRICS_VALUE_BYTES_OFF,
  METRICS_VALUE_PACKETS_OFF,
  METRICS_VALUE_SIZE,
} from "./layout";
import { packet, verdict } from "./packet";
import { clear, evict, find, NOT_FOUND, reserve, Table, upsert } from "./table";
import { ACCOUNTING_FIRST_OFF, ACCOUNTING_KEY_OFF, ACCOUNTING_OFF, own } from "./worker";

/* bpf/accounting.h in AssemblyScript: counters by policy entry. */

const PROTOCOL_BITS: u32 = 8;

// @ts-ignore: decorator
@inline
export function accounting(): Table {
  return changetype<Table>(own + ACCOUNTING_OFF);
}

/** Takes all memory of a worker at once, so that no packet has to. */
export function initAccounting(): bool {
  accounting().limit = MAX_ACCOUNTING;
  return reserve(accounting(), MAX_ACCOUNTING, ACCOUNTING_KEY_SIZE, METRICS_VALUE_SIZE) == 0;
}

export function clearAccounting(): void {
  clear(accounting(), ACCOUNTING_KEY_SIZE);
}

function namesPeer(matchType: u32): bool {
  return matchType == MATCH_L3 || matchType == MATCH_L3_L4 || matchType == MATCH_L3_PROTO;
}

function writeKey(direction: u32, peerIdentity: u32): void {
  const key = own + ACCOUNTING_KEY_OFF;
  v128.store(key, i64x2.splat(0));
  store<u32>(key, endpointId(), ACCOUNTING_KEY_ENDPOINT_OFF);
  store<u8>(key, <u8>direction, ACCOUNTING_KEY_DIRECTION_OFF);
  store<u8>(key, verdict.prefixLength, ACCOUNTING_KEY_PREFIX_LEN_OFF);
  if (namesPeer(verdict.matchType)) store<u32>(key, peerIdentity, ACCOUNTING_KEY_IDENTITY_OFF);
  if (verdict.prefixLength < PROTOCOL_BITS) return;
  const bits = (<u32>verdict.prefixLength - PROTOCOL_BITS) & 31;
  const port = packet.policyPort & ~(<u32>0xFFFF >> bits);
  store<u8>(key, packet.protocol, ACCOUNTING_KEY_PROTOCOL_OFF);
  store<u16>(key, <u16>port, ACCOUNTING_KEY_PORT_OFF);
}

/** Counts the packet under way, if an entry has matched it. */
export function account(direction: u32, peerIdentity: u32): void {
  if (verdict.matchType == MATCH_NONE) return;
  writeKey(direction, peerIdentity);
  const key = own + ACCOUNTING_KEY_OFF;
  const table = accounting();
  const position = find(table, key, ACCOUNTING_KEY_SIZE);
  if (position != NOT_FOUND) {
    const value = table.values + <usize>position * METRICS_VALUE_SIZE;
    const packets = load<u64>(value, METRICS_VALUE_PACKETS_OFF);
    const bytes = load<u64>(value, METRICS_VALUE_BYTES_OFF);
    store<u64>(value, packets + 1, METRICS_VALUE_PACKETS_OFF);
    store<u64>(value, bytes + <u64>packet.length, METRICS_VALUE_BYTES_OFF);
    return;
  }
  // In the place of one that counted few packets; the kernel's choice is another.
  if (table.count >= table.limit) {
    evict(table, ACCOUNTING_KEY_SIZE, METRICS_VALUE_SIZE, METRICS_VALUE_PACKETS_OFF);
  }
  const first = own + ACCOUNTING_FIRST_OFF;
  store<u64>(first, 1, METRICS_VALUE_PACKETS_OFF);
  store<u64>(first, <u64>packet.length, METRICS_VALUE_BYTES_OFF);
  upsert(table, key, first, ACCOUNTING_KEY_SIZE, METRICS_VALUE_SIZE);
}
