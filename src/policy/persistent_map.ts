/** Keys of one chunk, and as many values. */
interface Chunk<V> {
  readonly keys: readonly number[];
  readonly values: readonly V[];
}

/** A chunk that no map has got yet, and that may therefore change. */
interface OwnChunk<V> {
  readonly keys: number[];
  readonly values: V[];
}

/**
 * Keys per chunk at most. A change copies one chunk and the list of chunks: while the list is
 * short, short chunks are less to copy.
 */
const CHUNK_SIZE = 128;
const FIRST_CHUNK_SIZE = 32;
/** Chunks from which on they may be long. */
const MANY_CHUNKS = 64;

/**
 * A map from numbers to values that never changes: {@linkcode PersistentMapEditor} makes other
 * maps of it, which share what is equal. A reader may keep what it has while a writer goes on.
 *
 * Iterates in ascending order of keys.
 */
export class PersistentMap<V> {
  /** Chunks that are never changed, only replaced, by ascending keys. For the editor alone. */
  readonly chunks: readonly Chunk<V>[];
  readonly size: number;

  /** Only the editor and the functions below make maps. */
  constructor(chunks: readonly Chunk<V>[], size: number) {
    this.chunks = chunks;
    this.size = size;
  }

  /** Returns the map without entries. */
  static empty<V>(): PersistentMap<V> {
    return new PersistentMap<V>([], 0);
  }

  /** Makes a map of entries whose keys ascend. */
  static fromSorted<V>(entries: Iterable<readonly [number, V]>): PersistentMap<V> {
    const chunks: OwnChunk<V>[] = [];
    let size = 0;
    for (const [key, value] of entries) {
      let last = chunks.at(-1);
      // Half full, so that what comes next does not split every chunk.
      if (last === undefined || last.keys.length >= chunkSize(chunks) / 2) {
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
    const chunk = this.chunks[chunkOf(this.chunks, key)];
    if (chunk === undefined) return undefined;
    const at = lowerBound(chunk.keys, key);
    return chunk.keys[at] === key ? chunk.values[at] : undefined;
  }

  /** Tells whether the map has a key. */
  has(key: number): boolean {
    const keys = this.chunks[chunkOf(this.chunks, key)]?.keys ?? [];
    return keys[lowerBound(keys, key)] === key;
  }

  /** The keys, ascending. */
  *keys(): Generator<number> {
    for (const { keys } of this.chunks) yield* keys;
  }

  /** The values, by ascending key. */
  *values(): Generator<V> {
    for (const { values } of this.chunks) yield* values;
  }

  /** Keys and values, by ascending key. */
  *entries(): Generator<[number, V]> {
    for (const { keys, values } of this.chunks) {
      for (const [i, key] of keys.entries()) yield [key, values[i] as V];
    }
  }
}

/**
 * Changes a map step by step, and publishes what has come of it as maps that stay as they are.
 *
 * What was published is copied before it changes, and only once: the first change of a chunk
 * among n keys costs the copy of that chunk and of the list of chunks, the following ones nothing
 * until the next {@linkcode PersistentMapEditor.publish}.
 */
export class PersistentMapEditor<V> {
  #published: PersistentMap<V>;
  /** Those of the published map until something changes, then a list of its own. */
  #chunks: readonly Chunk<V>[];
  #ownChunks: Chunk<V>[] | undefined;
  /** Chunks that are in no published map. */
  readonly #own = new Set<Chunk<V>>();
  #size: number;

  /** @param map Stays as it is. */
  constructor(map: PersistentMap<V> = PersistentMap.empty()) {
    this.#published = map;
    this.#chunks = map.chunks;
    this.#size = map.size;
  }

  /** Returns the map as it is now; the same one where nothing has changed. */
  publish(): PersistentMap<V> {
    if (this.#ownChunks === undefined) return this.#published;
    this.#ownChunks = undefined;
    this.#own.clear();
    return this.#published = new PersistentMap(this.#chunks, this.#size);
  }

  /** Returns the value of a key; `undefined` when there is none. */
  get(key: number): V | undefined {
    const chunk = this.#chunks[chunkOf(this.#chunks, key)];
    if (chunk === undefined) return undefined;
    const at = lowerBound(chunk.keys, key);
    return chunk.keys[at] === key ? chunk.values[at] : undefined;
  }

  /** Adds or replaces an entry. */
  set(key: number, value: V): void {
    const index = chunkOf(this.#chunks, key);
    const chunk = this.#chunks[index];
    const at = chunk === undefined ? 0 : lowerBound(chunk.keys, key);
    if (chunk?.keys[at] === key) {
      if (chunk.values[at] === value) return;
      if (isOwn(chunk, this.#own)) chunk.values[at] = value;
      else this.#replace(index, { keys: chunk.keys.slice(), values: chunk.values.with(at, value) });
      return;
    }
    this.#size++;
    const last = this.#chunks.length - 1;
    // Keys that ascend fill their chunks, where halves would stay halves.
    if (chunk === undefined || (index === last && at >= chunkSize(this.#chunks))) {
      this.#insert(this.#chunks.length, { keys: [key], values: [value] });
      return;
    }
    if (!isOwn(chunk, this.#own)) {
      const keys = chunk.keys.toSpliced(at, 0, key);
      this.#split(
        index,
        this.#replace(index, { keys, values: chunk.values.toSpliced(at, 0, value) }),
      );
      return;
    }
    chunk.keys.splice(at, 0, key);
    chunk.values.splice(at, 0, value);
    this.#split(index, chunk);
  }

  /** Takes a key out; does nothing when it is not there. */
  delete(key: number): void {
    const index = chunkOf(this.#chunks, key);
    const chunk = this.#chunks[index];
    if (chunk === undefined) return;
    const at = lowerBound(chunk.keys, key);
    if (chunk.keys[at] !== key) return;
    this.#size--;
    if (chunk.keys.length === 1) {
      this.#own.delete(chunk);
      this.#list().splice(index, 1);
      return;
    }
    if (!isOwn(chunk, this.#own)) {
      const keys = chunk.keys.toSpliced(at, 1);
      this.#replace(index, { keys, values: chunk.values.toSpliced(at, 1) });
      return;
    }
    chunk.keys.splice(at, 1);
    chunk.values.splice(at, 1);
  }

  #list(): Chunk<V>[] {
    if (this.#ownChunks !== undefined) return this.#ownChunks;
    return this.#chunks = this.#ownChunks = this.#chunks.slice();
  }

  #replace(index: number, chunk: OwnChunk<V>): OwnChunk<V> {
    this.#list()[index] = chunk;
    this.#own.add(chunk);
    return chunk;
  }

  #insert(index: number, chunk: OwnChunk<V>): void {
    this.#list().splice(index, 0, chunk);
    this.#own.add(chunk);
  }

  /** Halves a chunk that has become too long. */
  #split(index: number, { keys, values }: OwnChunk<V>): void {
    if (keys.length <= chunkSize(this.#chunks)) return;
    const half = keys.length >>> 1;
    this.#insert(index + 1, { keys: keys.splice(half), values: values.splice(half) });
  }
}

function isOwn<V>(chunk: Chunk<V>, own: ReadonlySet<Chunk<V>>): chunk is OwnChunk<V> {
  return own.has(chunk);
}

function chunkSize(chunks: readonly unknown[]): number {
  return chunks.length < MANY_CHUNKS ? FIRST_CHUNK_SIZE : CHUNK_SIZE;
}

/** Index of the chunk that holds a key, or would: the last that starts at or before it. */
function chunkOf(chunks: readonly Chunk<unknown>[], key: number): number {
  let low = 0;
  let high = chunks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((chunks[middle]?.keys[0] ?? 0) <= key) low = middle + 1;
    else high = middle;
  }
  return Math.max(low - 1, 0);
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
