import type {
  AddressBytes,
  EndpointState,
  IdentityState,
  IpcacheKey,
  IpcacheState,
  MacBytes,
  NodeState,
} from "./datapath.ts";
import {
  IDENTITY_RESERVED_MAX,
  IMAGE_L_SLOTS,
  MAX_ENDPOINTS,
  MAX_IDENTITIES,
  MAX_IPCACHE,
  MAX_POLICIES,
  MAX_REDIRECTS,
} from "./layout.ts";

const MAX_U32 = 0xFFFFFFFF;

function reject(what: string, subject: string | number, state: string, expected: string): never {
  throw new RangeError(`Cannot load ${what} "${subject}": ${state}, expected ${expected}`);
}

function requireNumber(what: string, field: string, value: number, min: number, max: number) {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  reject(what, value, `${field} out of range`, `${min} to ${max}`);
}

function requireLength(what: string, subject: number, bytes: Uint8Array, lengths: number[]) {
  if (lengths.includes(bytes.length)) return;
  reject(what, subject, `${bytes.length} bytes long`, `${lengths.join(" or ")} bytes`);
}

function checkEndpoint(endpoint: EndpointState): void {
  const { id, ipv4, ipv6, mac, nodeMac } = endpoint;
  requireNumber("endpoint", "id", id, 1, MAX_ENDPOINTS - 1);
  requireNumber("endpoint", "ifindex", endpoint.ifindex, 0, MAX_U32);
  requireNumber("endpoint", "identity", endpoint.identity, 1, MAX_U32);
  requireNumber("endpoint", "policy", endpoint.policy, 0, MAX_POLICIES - 1);
  if (ipv4) requireLength("IPv4 address of endpoint", id, ipv4, [4]);
  if (ipv6) requireLength("IPv6 address of endpoint", id, ipv6, [16]);
  const macs: MacBytes[] = [mac, nodeMac];
  for (const bytes of macs) requireLength("MAC address of endpoint", id, bytes, [6]);
}

/**
 * Checks an identity and its slot.
 *
 * @throws {RangeError} That names what is wrong.
 */
export function checkIdentity({ identity, slot }: IdentityState): void {
  requireNumber("identity", "number", identity, 1, MAX_U32);
  requireNumber("identity", "slot", slot, 1, IMAGE_L_SLOTS - 1);
  const reserved = identity <= IDENTITY_RESERVED_MAX || slot <= IDENTITY_RESERVED_MAX;
  if (reserved && slot !== identity) {
    reject("identity", identity, `slot ${slot}`, "slot = identity for 1 to 255");
  }
}

/** Bits of the address behind the prefix. */
function hasHostBits(address: AddressBytes, prefixLength: number): boolean {
  return address.some((byte, i) => {
    const bits = Math.min(Math.max(prefixLength - 8 * i, 0), 8);
    return (byte & (0xFF >> bits)) !== 0;
  });
}

/**
 * Checks one line of the ipcache; `index` names it.
 *
 * @throws {RangeError} That names what is wrong.
 */
export function checkIpcacheEntry(entry: IpcacheState, index = 0): void {
  checkIpcacheKey(entry, index);
  requireNumber("ipcache entry", "identity", entry.identity, 0, MAX_U32);
}

/**
 * Checks the address or CIDR of a line of the ipcache; `index` names it.
 *
 * @throws {RangeError} That names what is wrong.
 */
export function checkIpcacheKey({ address, prefixLength }: IpcacheKey, index = 0): void {
  requireLength("ipcache entry", index, address, [4, 16]);
  if (prefixLength === undefined) return;
  requireNumber("ipcache entry", "prefixLength", prefixLength, 0, address.length * 8);
  if (hasHostBits(address, prefixLength)) {
    reject("ipcache entry", index, `host bits set behind /${prefixLength}`, "none");
  }
}

/** Counts what goes into one map, and refuses what the map would. */
function requireRoom(map: string, count: number, limit: number): void {
  if (count > limit) reject("map", map, `${count} entries`, `at most ${limit}`);
}

function requireUnique(what: string, names: Iterable<number | string>): void {
  const seen = new Set<number | string>();
  for (const name of names) {
    if (seen.has(name)) reject(what, name, "given twice", "once");
    seen.add(name);
  }
}

/**
 * Checks everything about a state that does not need its images to be built.
 *
 * @throws {RangeError} That names the first thing wrong.
 */
export function checkNodeState(state: NodeState): void {
  state.endpoints.forEach(checkEndpoint);
  requireUnique("endpoint", state.endpoints.map((endpoint) => endpoint.id));
  requireUnique(
    "address of endpoint",
    state.endpoints.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6])
      .filter((address) => address !== undefined).map(String),
  );
  state.identities.forEach(checkIdentity);
  requireUnique("identity", state.identities.map(({ identity }) => identity));
  requireUnique("slot", state.identities.map(({ slot }) => slot));
  requireRoom("identities", state.identities.length, MAX_IDENTITIES);

  state.ipcache.forEach(checkIpcacheEntry);
  for (const size of [4, 16]) {
    const family = state.ipcache.filter((entry) => entry.address.length === size);
    const cidrs = family.filter((entry) => entry.prefixLength !== undefined).length;
    const name = size === 4 ? "ipcache4" : "ipcache6";
    requireRoom(name, family.length - cidrs, MAX_IPCACHE);
    requireRoom(`${name}_cidr`, cidrs, MAX_IPCACHE);
  }
  requireNumber("node", "eventInterval", state.eventInterval ?? 0, 0, MAX_U32);
  for (const { id, port } of state.redirects ?? []) {
    requireNumber("redirect", "id", id, 1, MAX_REDIRECTS - 1);
    requireNumber("redirect", "port", port, 0, 0xFFFF);
  }
  requireUnique("redirect", (state.redirects ?? []).map(({ id }) => id));
  for (const { number, revision } of state.policies) {
    requireNumber("policy", "number", number, 1, MAX_POLICIES - 1);
    requireNumber("policy", "revision", revision, 0, MAX_U32);
  }
  requireUnique("policy", state.policies.map(({ number }) => number));
}
