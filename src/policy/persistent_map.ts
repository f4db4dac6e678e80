/** Keys of one chunk, and as many values. Chunks are never changed, only replaced. */
interface Chunk<V> {
  readonly keys: readonly number[];
  readonly values: readonly V[];
}

/** Keys per chunk at most: a change copies one chunk and the list of chunks. */
const CHUNK_SIZE = 128;

/**
 * A map from numbers to values that never changes: `set` and `delete` return another map
 * that shares all but one chunk with this one. A reader may keep what it has while a
 * writer goes on.
 *
 * Iterates in ascending order of keys. A change of one key among n costs the copy of
 * n/128 references.
 */
export class PersistentMap<V> {
  readonly #chunks: readonly Chunk<V>[];
  readonly size: number;

  private constructor(chunks: readonly Chunk<V>[], size: number) {
    this.#chunks = chunks;
    this.size = size;
  }

  /** Returns the map without entries. */
  static empty<V>(): PersistentMap<V> {
    return new PersistentMap<V>([], 0);
  }

  /** Makes a map of entries whose keys ascend. */
  static fromSorted<V>(entries: Iterable<readonly [number, V]>): PersistentMap<V> {
    const chunks: { keys: number[]; values: V[] }[] = [];
    let size = 0;
    for (const [key, value] of entries) {
      let last = chunks.at(-1);
      // Half full, so that what comes next does not split every chunk.
      if (last === undefined || last.keys.length >= CHUNK_SIZE / 2) {
        chunks.push(last = { keys: [], values: [] });
      }
      last.keys.push(key);
      last.values.push(value);
      size++;
    }
    return new PersistentMap(chunks, size);
  }

  /** Returns the value of a key; `undefined` when there is none. */
  get(key: number): V | undefined {
    const chunk = this.#chunks[this.#chunkOf(key)];
    if (chunk === undefined) return undefined;
    const at = lowerBound(chunk.keys, key);
    return chunk.keys[at] === key ? chunk.values[at] : undefined;
  }

  /** Tells whether the map has a key. */
  has(key: number): boolean {
    const keys = this.#chunks[this.#chunkOf(key)]?.keys ?? [];
    return keys[lowerBound(keys, key)] === key;
  }

  /** Returns the map with an entry added or replaced. */
  set(key: number, value: V): PersistentMap<V> {
    const index = this.#chunkOf(key);
    const chunk = this.#chunks[index];
    if (chunk === undefined) return new PersistentMap([{ keys: [key], values: [value] }], 1);
    const at = lowerBound(chunk.keys, key);
    const known = chunk.keys[at] === key;
    if (known && chunk.values[at] === value) return this;
    const keys = known ? chunk.keys : chunk.keys.toSpliced(at, 0, key);
    const values = known ? chunk.values.with(at, value) : chunk.values.toSpliced(at, 0, value);
    return this.#replace(index, split({ keys, values }), this.size + (known ? 0 : 1));
  }

  /** Returns the map without a key. */
  delete(key: number): PersistentMap<V> {
    const index = this.#chunkOf(key);
    const chunk = this.#chunks[index];
    const at = lowerBound(chunk?.keys ?? [], key);
    if (chunk === undefined || chunk.keys[at] !== key) return this;
    const rest = { keys: chunk.keys.toSpliced(at, 1), values: chunk.values.toSpliced(at, 1) };
    return this.#replace(index, rest.keys.length === 0 ? [] : [rest], this.size - 1);
  }

  /** The keys, ascending. */
  *keys(): Generator<number> {
    for (const { keys } of this.#chunks) yield* keys;
  }

  /** The values, by ascending key. */
  *values(): Generator<V> {
    for (const { values } of this.#chunks) yield* values;
  }

  /** Keys and values, by ascending key. */
  *entries(): Generator<[number, V]> {
    for (const { keys, values } of this.#chunks) {
      for (const [i, key] of keys.entries()) yield [key, values[i] as V];
    }
  }

  #replace(index: number, chunks: readonly Chunk<V>[], size: number): PersistentMap<V> {
    return new PersistentMap(this.#chunks.toSpliced(index, 1, ...chunks), size);
  }

  /** Index of the chunk that holds a key, or would: the last that starts at or before it. */
  #chunkOf(key: number): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#chunks[middle]?.keys[0] ?? 0) <= key) low = middle + 1;
      else high = middle;
    }
    return Math.max(low - 1, 0);
  }
}

function split<V>(chunk: Chunk<V>): Chunk<V>[] {
  const { keys, values } = chunk;
  if (keys.length <= CHUNK_SIZE) return [chunk];
  const half = keys.length >>> 1;
  return [
    { keys: keys.slice(0, half), values: values.slice(0, half) },
    { keys: keys.slice(half), values: values.slice(half) },
  ];
}

/** Index of the first key that is not below the given one. */
function lowerBound(keys: readonly number[], key: number): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? 0) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
