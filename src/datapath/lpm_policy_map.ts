/**
 * The policy map of Cilium 1.19, in bytes: `struct policy_key` and `struct policy_entry` of its
 * bpf/lib/policy.h, one BPF_MAP_TYPE_LPM_TRIE per endpoint. Both directions of the translation
 * stand here, and nothing else knows the bits.
 *
 * ```
 *   key    ┌ prefix length (u32) ┬ identity (u32) ┬ egress (u8) ┬ protocol (u8) ┬ port (be16) ┐
 *   entry  ┌ proxy port (be16) ┬ deny:1 -:2 prefix length:5 ┬ auth type:7 explicit:1 ┐
 *          ├ precedence (u32) ┬ cookie (u32)                                        ┘
 * ```
 *
 * @module
 */
import { type MapStateEntry, type MapStateKey, PROTOCOL } from "../policy/map_state.ts";
import { recordBytes, writeRecords } from "./image_records.ts";
import {
  DIRECTION_EGRESS,
  LPM_POLICY_AUTH_TYPE_MASK,
  LPM_POLICY_DENY,
  LPM_POLICY_ENTRY_AUTH_OFF,
  LPM_POLICY_ENTRY_COOKIE_OFF,
  LPM_POLICY_ENTRY_DENY_AND_PREFIX_LEN_OFF,
  LPM_POLICY_ENTRY_PRECEDENCE_OFF,
  LPM_POLICY_ENTRY_PROXY_PORT_OFF,
  LPM_POLICY_ENTRY_SIZE,
  LPM_POLICY_EXPLICIT_AUTH,
  LPM_POLICY_FIXED_BITS,
  LPM_POLICY_FULL_PREFIX,
  LPM_POLICY_KEY_EGRESS_OFF,
  LPM_POLICY_KEY_IDENTITY_OFF,
  LPM_POLICY_KEY_PORT_OFF,
  LPM_POLICY_KEY_PREFIX_LEN_OFF,
  LPM_POLICY_KEY_PROTOCOL_OFF,
  LPM_POLICY_KEY_SIZE,
  LPM_POLICY_PREFIX_LEN_SHIFT,
  LPM_POLICY_REDIRECT,
  MAP_STATE_ENTRY_AUTH_TYPE_OFF,
  MAP_STATE_ENTRY_COOKIE_OFF,
  MAP_STATE_ENTRY_DIRECTION_OFF,
  MAP_STATE_ENTRY_IDENTITY_OFF,
  MAP_STATE_ENTRY_PORT_OFF,
  MAP_STATE_ENTRY_PORT_PREFIX_OFF,
  MAP_STATE_ENTRY_PRECEDENCE_OFF,
  MAP_STATE_ENTRY_PROTOCOL_OFF,
  MAP_STATE_ENTRY_REDIRECT_OFF,
  MAP_STATE_ENTRY_SIZE,
  MAP_STATE_ENTRY_VERDICT_OFF,
  VERDICT_DENY,
  VERDICT_REDIRECT,
} from "./layout.ts";

/** Keys and entries of a policy map, packed; entry i has key i. */
export interface LpmPolicyBytes {
  /** `struct lpm_policy_key` */
  readonly keys: Uint8Array<ArrayBuffer>;
  /** `struct lpm_policy_entry` */
  readonly values: Uint8Array<ArrayBuffer>;
  readonly count: number;
}

/** What one key and entry of a policy map say. */
export interface LpmPolicyEntry extends MapStateKey {
  readonly deny: boolean;
  /** Whether the entry leads to a proxy, be it one that does not listen. */
  readonly redirect: boolean;
  /** Port of the proxy, host byte order; 0: none. */
  readonly proxyPort: number;
  /** Mutual authentication required of the peer; 0 means none. */
  readonly authType: number;
  /** Whether a rule said so itself, so that a broader entry's type does not reach here. */
  readonly hasExplicitAuth: boolean;
  /** Unsigned 32-bit, the higher one wins. */
  readonly precedence: number;
  /** Unsigned 32-bit. */
  readonly cookie: number;
}

/** Port of a redirect's proxy, host byte order; 0: none listens. */
export type ProxyPortOf = (redirect: number) => number;

/** Bits of a protocol, which come before the port's. */
const PROTOCOL_BITS = 8;

/**
 * Writes map state as a policy map's bytes.
 *
 * Map state has its authentication settled, so every entry says explicitly what it asks for.
 *
 * @throws {RangeError} If a number does not fit its field.
 */
export function encodeLpmPolicy(
  entries: readonly MapStateEntry[],
  proxyPortOf: ProxyPortOf,
): LpmPolicyBytes {
  const records = new DataView(new ArrayBuffer(recordBytes(entries.length)));
  writeRecords(records, 0, entries, () => 0);
  const tooHigh = entries.findIndex(({ authType }) => authType > LPM_POLICY_AUTH_TYPE_MASK);
  if (tooHigh >= 0) {
    throw new RangeError(
      `Cannot encode map state entry "${tooHigh}": authType is ${entries[tooHigh]?.authType}, ` +
        `expected 0 to ${LPM_POLICY_AUTH_TYPE_MASK}`,
    );
  }
  return lpmPolicyOf(records, proxyPortOf);
}

/** The same from `struct map_state_entry` records, of which there may be millions. */
export function lpmPolicyOf(records: DataView, proxyPortOf: ProxyPortOf): LpmPolicyBytes {
  const count = records.byteLength / MAP_STATE_ENTRY_SIZE;
  const keys = new DataView(new ArrayBuffer(count * LPM_POLICY_KEY_SIZE));
  const values = new DataView(new ArrayBuffer(count * LPM_POLICY_ENTRY_SIZE));
  for (let i = 0; i < count; i++) {
    const record = i * MAP_STATE_ENTRY_SIZE;
    const protocol = records.getUint8(record + MAP_STATE_ENTRY_PROTOCOL_OFF);
    const portPrefix = records.getUint8(record + MAP_STATE_ENTRY_PORT_PREFIX_OFF);
    const prefixLength = protocol === PROTOCOL.ANY ? 0 : PROTOCOL_BITS + portPrefix;
    const direction = records.getUint8(record + MAP_STATE_ENTRY_DIRECTION_OFF);
    const identity = records.getUint32(record + MAP_STATE_ENTRY_IDENTITY_OFF, true);
    const port = records.getUint16(record + MAP_STATE_ENTRY_PORT_OFF, true);
    const key = i * LPM_POLICY_KEY_SIZE;
    keys.setUint32(key + LPM_POLICY_KEY_PREFIX_LEN_OFF, LPM_POLICY_FIXED_BITS + prefixLength, true);
    keys.setUint32(key + LPM_POLICY_KEY_IDENTITY_OFF, identity, true);
    keys.setUint8(key + LPM_POLICY_KEY_EGRESS_OFF, direction === DIRECTION_EGRESS ? 1 : 0);
    keys.setUint8(key + LPM_POLICY_KEY_PROTOCOL_OFF, protocol);
    keys.setUint16(key + LPM_POLICY_KEY_PORT_OFF, port);

    const verdict = records.getUint8(record + MAP_STATE_ENTRY_VERDICT_OFF);
    const redirect = records.getUint16(record + MAP_STATE_ENTRY_REDIRECT_OFF, true);
    const authType = records.getUint8(record + MAP_STATE_ENTRY_AUTH_TYPE_OFF);
    const precedence = records.getUint32(record + MAP_STATE_ENTRY_PRECEDENCE_OFF, true);
    const cookie = records.getUint32(record + MAP_STATE_ENTRY_COOKIE_OFF, true);
    const value = i * LPM_POLICY_ENTRY_SIZE;
    const isRedirect = verdict === VERDICT_REDIRECT;
    values.setUint16(
      value + LPM_POLICY_ENTRY_PROXY_PORT_OFF,
      isRedirect ? proxyPortOf(redirect) : 0,
    );
    values.setUint8(
      value + LPM_POLICY_ENTRY_DENY_AND_PREFIX_LEN_OFF,
      (verdict === VERDICT_DENY ? LPM_POLICY_DENY : 0) | (isRedirect ? LPM_POLICY_REDIRECT : 0) |
        prefixLength << LPM_POLICY_PREFIX_LEN_SHIFT,
    );
    values.setUint8(value + LPM_POLICY_ENTRY_AUTH_OFF, authType | LPM_POLICY_EXPLICIT_AUTH);
    values.setUint32(value + LPM_POLICY_ENTRY_PRECEDENCE_OFF, precedence, true);
    values.setUint32(value + LPM_POLICY_ENTRY_COOKIE_OFF, cookie, true);
  }
  return { keys: bytesOf(keys), values: bytesOf(values), count };
}

function bytesOf({ buffer }: DataView<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer);
}

function reject(entry: number, state: string, expected: string): never {
  throw new RangeError(`Cannot read policy map entry "${entry}": ${state}, expected ${expected}`);
}

/**
 * Reads a policy map's bytes, in any order.
 *
 * @throws {RangeError} If they are not what Cilium 1.19 writes: another prefix length, bits
 * behind it, or an entry that names another prefix than its key.
 */
export function decodeLpmPolicy({ keys, values }: Omit<LpmPolicyBytes, "count">): LpmPolicyEntry[] {
  const count = keys.length / LPM_POLICY_KEY_SIZE;
  if (!Number.isInteger(count) || values.length !== count * LPM_POLICY_ENTRY_SIZE) {
    throw new RangeError(
      `Cannot read policy map "bytes": ${keys.length} of keys and ${values.length} of entries, ` +
        `expected ${LPM_POLICY_KEY_SIZE} and ${LPM_POLICY_ENTRY_SIZE} for each`,
    );
  }
  const key = new DataView(keys.buffer, keys.byteOffset, keys.byteLength);
  const value = new DataView(values.buffer, values.byteOffset, values.byteLength);
  return Array.from({ length: count }, (_, i) => ({ ...readKey(key, i), ...readValue(value, i) }))
    .map(({ prefixLength, keyPrefixLength, ...entry }, i) => {
      if (prefixLength === keyPrefixLength) return entry;
      return reject(i, `prefix length ${prefixLength}`, `the key's ${keyPrefixLength}`);
    });
}

function readKey(view: DataView, index: number): MapStateKey & { keyPrefixLength: number } {
  const at = index * LPM_POLICY_KEY_SIZE;
  const bits = view.getUint32(at + LPM_POLICY_KEY_PREFIX_LEN_OFF, true);
  const keyPrefixLength = bits - LPM_POLICY_FIXED_BITS;
  if (bits > LPM_POLICY_FULL_PREFIX || (keyPrefixLength !== 0 && keyPrefixLength < PROTOCOL_BITS)) {
    reject(index, `prefix length ${bits}`, "40, or 48 to 64");
  }
  const egress = view.getUint8(at + LPM_POLICY_KEY_EGRESS_OFF);
  if (egress > 1) reject(index, `direction ${egress}`, "0 or 1");
  const protocol = view.getUint8(at + LPM_POLICY_KEY_PROTOCOL_OFF);
  const port = view.getUint16(at + LPM_POLICY_KEY_PORT_OFF);
  const portPrefix = Math.max(keyPrefixLength - PROTOCOL_BITS, 0);
  if (keyPrefixLength === 0 ? protocol !== PROTOCOL.ANY : protocol === PROTOCOL.ANY) {
    reject(index, `protocol ${protocol} in ${bits} bits`, "a protocol where its bits count");
  }
  if ((port & 0xFFFF >> portPrefix) !== 0) {
    reject(index, `port ${port} in ${bits} bits`, "no bits behind the prefix");
  }
  return {
    identity: view.getUint32(at + LPM_POLICY_KEY_IDENTITY_OFF, true),
    direction: egress === 1 ? "egress" : "ingress",
    protocol,
    port,
    portPrefix,
    keyPrefixLength,
  };
}

function readValue(view: DataView, index: number) {
  const at = index * LPM_POLICY_ENTRY_SIZE;
  const flags = view.getUint8(at + LPM_POLICY_ENTRY_DENY_AND_PREFIX_LEN_OFF);
  const auth = view.getUint8(at + LPM_POLICY_ENTRY_AUTH_OFF);
  const proxyPort = view.getUint16(at + LPM_POLICY_ENTRY_PROXY_PORT_OFF);
  return {
    deny: (flags & LPM_POLICY_DENY) !== 0,
    redirect: proxyPort !== 0 || (flags & LPM_POLICY_REDIRECT) !== 0,
    proxyPort,
    prefixLength: flags >> LPM_POLICY_PREFIX_LEN_SHIFT,
    authType: auth & LPM_POLICY_AUTH_TYPE_MASK,
    hasExplicitAuth: (auth & LPM_POLICY_EXPLICIT_AUTH) !== 0,
    precedence: view.getUint32(at + LPM_POLICY_ENTRY_PRECEDENCE_OFF, true),
    cookie: view.getUint32(at + LPM_POLICY_ENTRY_COOKIE_OFF, true),
  };
}
