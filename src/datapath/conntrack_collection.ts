/**
 * Garbage collection of conntrack: the programs take an expired entry for absent, user space
 * takes it away.
 *
 * @module
 */
import { BatchCursor, type BpfMap } from "ebpf-ts-loader";
import {
  CT_ENTRY_EXPIRES_OFF,
  CT_ENTRY_FLAGS_OFF,
  CT_EXPIRED_CLOSED,
  CT_EXPIRED_IDLE,
  CT_EXPIRED_UNANSWERED,
  CT_EXPIRY_COUNT,
  CT_FORWARD_CLOSING,
  CT_REPLY_CLOSING,
  CT_SEEN_REPLY,
} from "./layout.ts";

/** Entries that a collection deleted, by what their flows last were. */
export interface ConntrackCollection {
  /** Flows that never saw a reply. */
  readonly unanswered: number;
  /** TCP flows that both ends had closed. */
  readonly closed: number;
  /** Flows that were answered once, and then silent for their lifetime. */
  readonly idle: number;
}

/** Names the counts that are indexed by `CT_EXPIRED_*`. */
export function namedCounts(counts: Uint32Array): ConntrackCollection {
  return {
    unanswered: counts[CT_EXPIRED_UNANSWERED] ?? 0,
    closed: counts[CT_EXPIRED_CLOSED] ?? 0,
    idle: counts[CT_EXPIRED_IDLE] ?? 0,
  };
}

/** Entries read at a time: few enough that what was read is still true when it is deleted. */
const CHUNK = 4096;

/**
 * Deletes the expired entries of the kernel's conntrack maps.
 *
 * Between reading an entry and deleting it a program may start its flow anew; then the flow's
 * next packet makes the entry again, and a reply that comes before it is judged by policy.
 *
 * @param maps `conntrack4` and `conntrack6`.
 * @param now Seconds of the programs' clock (CLOCK_MONOTONIC unless it is driven).
 * @returns What was deleted; entries that vanished meanwhile are not counted.
 */
export function collectMaps(maps: readonly BpfMap[], now: number): ConntrackCollection {
  const counts = new Uint32Array(CT_EXPIRY_COUNT);
  for (const map of maps) collectMap(map, now, counts);
  return namedCounts(counts);
}

function collectMap(map: BpfMap, now: number, counts: Uint32Array): void {
  const keys = new Uint8Array(CHUNK * map.keySize);
  const values = new Uint8Array(CHUNK * map.valueSize);
  const view = new DataView(values.buffer);
  const cursor = new BatchCursor();
  while (!cursor.ended) {
    const { count } = map.lookupBatch(keys, values, cursor);
    const doomed: Uint8Array[][] = Array.from({ length: CT_EXPIRY_COUNT }, () => []);
    for (let i = 0; i < count; i++) {
      const entry = i * map.valueSize;
      if (view.getUint32(entry + CT_ENTRY_EXPIRES_OFF, true) > now) continue;
      const key = keys.subarray(i * map.keySize, (i + 1) * map.keySize);
      doomed[expiryOf(view.getUint8(entry + CT_ENTRY_FLAGS_OFF))]?.push(key);
    }
    for (const [expiry, expired] of doomed.entries()) {
      if (expired.length === 0) continue;
      const deleted = map.deleteBatch(joined(expired, map.keySize), { absent: "skip" });
      counts[expiry] = (counts[expiry] ?? 0) + deleted;
    }
  }
}

function expiryOf(flags: number): number {
  const closing = CT_FORWARD_CLOSING | CT_REPLY_CLOSING;
  if ((flags & closing) === closing) return CT_EXPIRED_CLOSED;
  return flags & CT_SEEN_REPLY ? CT_EXPIRED_IDLE : CT_EXPIRED_UNANSWERED;
}

function joined(keys: readonly Uint8Array[], keySize: number): Uint8Array {
  const bytes = new Uint8Array(keys.length * keySize);
  for (const [i, key] of keys.entries()) bytes.set(key, i * keySize);
  return bytes;
}
