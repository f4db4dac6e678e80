import { MapType } from "../spec/map_types.ts";
import { ERRNO } from "../sys/mod.ts";
import { BatchCursor, BatchError, lookupBatch } from "./map_batch.ts";
import { type ElementLayout, wholeValueSize } from "./map_elements.ts";

/** The key after a key (the first one without it), or undefined at the end. */
export type NextKey = (
  key: Uint8Array<ArrayBuffer> | undefined,
) => Uint8Array<ArrayBuffer> | undefined;

/** An element met on the way; `value` only where it came with the key. */
export interface Met {
  readonly key: Uint8Array<ArrayBuffer>;
  readonly value?: Uint8Array<ArrayBuffer>;
}

interface Target extends ElementLayout {
  readonly fd: number;
  readonly maxEntries: number;
}

const HASHES: readonly number[] = [
  MapType.HASH,
  MapType.LRU_HASH,
  MapType.PERCPU_HASH,
  MapType.LRU_PERCPU_HASH,
  MapType.HASH_OF_MAPS,
];

/** Types whose keys are found by their bytes: the next of a key that is gone is the first. */
const RESTARTING: readonly number[] = [
  ...HASHES,
  MapType.LPM_TRIE,
  MapType.SOCKHASH,
  MapType.DEVMAP_HASH,
];

const FIRST_ROOM = 256;
const ROOM_BYTES = 1024 * 1024;

/** Walks a map by the best means it has. */
export function* walkMap(map: Target, nextKey: NextKey): Generator<Met> {
  if (HASHES.includes(map.type) && (yield* walkBuckets(map))) return;
  yield* walkKeys(map, nextKey);
}

/**
 * Reads whole buckets, so that removals cannot move the place: a cursor is a bucket's number.
 * Returns false, having yielded nothing, if the kernel has no batches for the map.
 */
function* walkBuckets(map: Target): Generator<Met, boolean> {
  const valueSize = wholeValueSize(map);
  let room = Math.max(1, Math.min(map.maxEntries, FIRST_ROOM, Math.floor(ROOM_BYTES / valueSize)));
  const cursor = new BatchCursor();
  while (!cursor.ended) {
    const keys = new Uint8Array(room * map.keySize);
    const values = new Uint8Array(room * valueSize);
    let count: number;
    try {
      count = lookupBatch(map, { keys, values, cursor, remove: false }).count;
    } catch (error) {
      if (!(error instanceof BatchError)) throw error;
      const unknown = error.errno === ERRNO.EINVAL || error.errno === ERRNO.ENOTSUPP;
      if (unknown && cursor.position === undefined) return false;
      // A bucket of more than `room` elements; none has more than the map.
      if (error.errno !== ERRNO.ENOSPC || room > 2 * map.maxEntries) throw error;
      room *= 2;
      continue;
    }
    for (let index = 0; index < count; index++) {
      yield {
        key: keys.slice(index * map.keySize, (index + 1) * map.keySize),
        value: values.slice(index * valueSize, (index + 1) * valueSize),
      };
    }
  }
  return true;
}

/**
 * Goes from key to key, one ahead of what it yields: then a caller that removes what it was given
 * starts nothing again.
 */
function* walkKeys(map: Target, nextKey: NextKey): Generator<Met> {
  const seen = RESTARTING.includes(map.type) ? new SeenKeys(map) : undefined;
  let key = nextKey(undefined);
  while (key !== undefined) {
    const ahead: Uint8Array<ArrayBuffer> | undefined = nextKey(key);
    if (seen?.isNew(key) ?? true) yield { key };
    key = ahead;
  }
}

/** Tells the keys of a walk that started again from new ones. */
class SeenKeys {
  readonly #map: Target;
  readonly #keys = new Set<string>();
  #sinceLast = 0;

  constructor(map: Target) {
    this.#map = map;
  }

  isNew(key: Uint8Array): boolean {
    const before = this.#keys.size;
    this.#keys.add(key.toHex());
    if (this.#keys.size > before) {
      this.#sinceLast = 0;
      return true;
    }
    const limit = 4 * this.#map.maxEntries;
    if (++this.#sinceLast <= limit) return false;
    throw new Error(
      `Cannot iterate map "${this.#map.name}": ${limit} keys seen again, ` +
        "expected fewer removals during iteration",
    );
  }
}
