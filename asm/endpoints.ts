import { allocateZeroed } from "./arena";
import {
  ENDPOINT_INFO_ENDPOINT_OFF,
  ENDPOINT_INFO_IDENTITY_OFF,
  ENDPOINT_INFO_IFINDEX_OFF,
  ENDPOINT_INFO_MAC_OFF,
  ENDPOINT_INFO_NODE_MAC_OFF,
  ENDPOINT_INFO_SIZE,
  ENDPOINT_KEY_ADDRESS_OFF,
  ENDPOINT_KEY_FAMILY_OFF,
  ENDPOINT_KEY_SIZE,
  ENDPOINT_POLICY_FLAGS_OFF,
  ENDPOINT_POLICY_IDENTITY_SLOT_OFF,
  ENDPOINT_POLICY_POLICY_OFF,
  ENDPOINT_POLICY_SIZE,
  MAX_ENDPOINTS,
  MAX_POLICIES,
  POLICY_TABLE_REVISION_OFF,
  POLICY_TABLE_SIZE,
  POLICY_TABLE_TABLE_OFF,
} from "./layout";
import { find, NOT_FOUND, reset, Table, upsert } from "./table";
import { ENDPOINT_LOOKUP_OFF, own } from "./worker";

/*
 * The maps around endpoints: address → endpoint, endpoint id → policy number, policy
 * number → current table. The last two are arrays, as in the kernel.
 */

export const endpoints = changetype<Table>(memory.data(32, 8));
/** Addresses of the arrays, in memory: every worker reads them. */
const arrays: usize = memory.data(8, 8);
const TABLES_OFF: usize = 4;

const key: usize = memory.data(24, 8);
const value: usize = memory.data(24, 8);

export function initEndpoints(): bool {
  const policies = allocateZeroed(<usize>MAX_ENDPOINTS * ENDPOINT_POLICY_SIZE);
  const tables = allocateZeroed(<usize>MAX_POLICIES * POLICY_TABLE_SIZE);
  store<u32>(arrays, <u32>policies);
  store<u32>(arrays, <u32>tables, TABLES_OFF);
  return policies != 0 && tables != 0;
}

export function resetEndpoints(): void {
  reset(endpoints, ENDPOINT_KEY_SIZE, ENDPOINT_INFO_SIZE);
  endpoints.limit = MAX_ENDPOINTS * 2;
  memory.fill(endpointPolicy(0), 0, <usize>MAX_ENDPOINTS * ENDPOINT_POLICY_SIZE);
  memory.fill(policyTable(0), 0, <usize>MAX_POLICIES * POLICY_TABLE_SIZE);
}

/** MAC addresses in the low 48 bits, first byte lowest. `address` points to 16 bytes. */
export function upsertEndpoint(
  family: u32,
  address: usize,
  id: u32,
  ifindex: u32,
  identity: u32,
  mac: u64,
  nodeMac: u64,
): i32 {
  v128.store(key, v128.load(address), ENDPOINT_KEY_ADDRESS_OFF);
  store<u32>(key, family, ENDPOINT_KEY_FAMILY_OFF);
  store<u32>(value, ifindex, ENDPOINT_INFO_IFINDEX_OFF);
  store<u32>(value, id, ENDPOINT_INFO_ENDPOINT_OFF);
  store<u32>(value, identity, ENDPOINT_INFO_IDENTITY_OFF);
  store<u32>(value, <u32>mac, ENDPOINT_INFO_MAC_OFF);
  store<u16>(value, <u16>(mac >> 32), ENDPOINT_INFO_MAC_OFF + 4);
  store<u32>(value, <u32>nodeMac, ENDPOINT_INFO_NODE_MAC_OFF);
  store<u16>(value, <u16>(nodeMac >> 32), ENDPOINT_INFO_NODE_MAC_OFF + 4);
  return upsert(endpoints, key, value, ENDPOINT_KEY_SIZE, ENDPOINT_INFO_SIZE);
}

/** Address of the struct endpoint_info behind 16 bytes of address; 0: not local. */
// @ts-ignore: decorator
@inline
export function endpointLookup(family: u32, address: usize): usize {
  if (!endpoints.count) return 0;
  const key = own + ENDPOINT_LOOKUP_OFF;
  v128.store(key, v128.load(address), ENDPOINT_KEY_ADDRESS_OFF);
  store<u32>(key, family, ENDPOINT_KEY_FAMILY_OFF);
  const position = find(endpoints, key, ENDPOINT_KEY_SIZE);
  return position == NOT_FOUND ? 0 : endpoints.values + <usize>position * ENDPOINT_INFO_SIZE;
}

/** Address of the endpoint's struct endpoint_policy. The id is known to be in range. */
// @ts-ignore: decorator
@inline
export function endpointPolicy(id: u32): usize {
  return <usize>load<u32>(arrays) + <usize>id * ENDPOINT_POLICY_SIZE;
}

export function setEndpointPolicy(id: u32, identitySlot: u64, policy: u32, flags: u32): void {
  const own = endpointPolicy(id);
  store<u64>(own, identitySlot, ENDPOINT_POLICY_IDENTITY_SLOT_OFF);
  store<u32>(own, policy, ENDPOINT_POLICY_POLICY_OFF);
  store<u32>(own, flags, ENDPOINT_POLICY_FLAGS_OFF);
}

/** Address of the policy's struct policy_table; 0 if the number is out of range. */
// @ts-ignore: decorator
@inline
export function policyTable(policy: u32): usize {
  if (policy >= MAX_POLICIES) return 0;
  return <usize>load<u32>(arrays, TABLES_OFF) + <usize>policy * POLICY_TABLE_SIZE;
}

/** The swap: table and revision in one store. */
export function setPolicyTable(policy: u32, table: u32, revision: u32): void {
  const word = <u64>table << (POLICY_TABLE_TABLE_OFF * 8) |
    <u64>revision << (POLICY_TABLE_REVISION_OFF * 8);
  if (ASC_FEATURE_THREADS) atomic.store<u64>(policyTable(policy), word);
  else store<u64>(policyTable(policy), word);
}

/** Reads what {@linkcode setPolicyTable} stored, in one load: table low, revision high. */
// @ts-ignore: decorator
@inline
export function loadPolicyTable(current: usize): u64 {
  return ASC_FEATURE_THREADS ? atomic.load<u64>(current) : load<u64>(current);
}
