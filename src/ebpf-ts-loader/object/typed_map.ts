import type { TypeLayout } from "../btf/layout.ts";
import { type BtfValue, decodeValue, encodeValue } from "../btf/value.ts";
import type { CollectionSpec, MapSpec } from "../spec/collection_spec.ts";
import { isPerCpu } from "../spec/map_types.ts";
import type { BpfMap } from "./bpf_map.ts";
import { UpdateFlag } from "./map_elements.ts";

/** The types of a map's keys and values. */
export interface MapLayouts {
  /** Undefined for maps without keys (queues) and without BTF: keys are then bytes. */
  readonly key: TypeLayout | undefined;
  /** Undefined for maps without BTF: values are then bytes. */
  readonly value: TypeLayout | undefined;
}

/**
 * A map whose keys and values are values of their C types ({@linkcode BtfValue}) instead of bytes.
 * Types K and V are the caller's claim: generated modules make them from the object. Owns nothing:
 * the map stays its owner's.
 *
 * @example Usage
 * ```ts
 * import { loadCollection, parseObject, typedMap } from "ebpf-ts-loader";
 * async function portsOf(path: string): Promise<number[]> {
 *   const spec = parseObject(await Deno.readFile(path), path);
 *   using collection = loadCollection(spec);
 *   const flows = typedMap<{ port: number }, { packets: bigint }>(collection.map("flows"), spec);
 *   flows.set({ port: 80 }, { packets: 1n });
 *   return [...flows].map(([key]) => key.port);
 * }
 * ```
 */
export class TypedMap<K extends BtfValue = BtfValue, V extends BtfValue = BtfValue>
  implements Iterable<[K, V]> {
  /** The map itself, for everything else. */
  readonly map: BpfMap;
  readonly #layouts: MapLayouts;

  /** `layouts` must have the sizes of the map's keys and values. */
  constructor(map: BpfMap, layouts: MapLayouts) {
    this.map = map;
    this.#layouts = layouts;
    for (const [kind, size] of [["key", map.keySize], ["value", map.valueSize]] as const) {
      const layout = layouts[kind];
      if (layout === undefined || layout.size === size) continue;
      throw new RangeError(
        `Cannot use ${kind} type of "${map.name}": ${layout.size} bytes, expected ${size}`,
      );
    }
  }

  /** The value of a key, or undefined. Per-CPU maps: see {@linkcode TypedMap.getPerCpu}. */
  get(key: K): V | undefined {
    const value = this.map.lookup(this.#key(key));
    return value && this.#decodeValue(value);
  }

  /** Creates or replaces an element; `flags` are those of `UpdateFlag`. */
  set(key: K, value: V, flags: number = UpdateFlag.ANY): void {
    this.map.update(this.#key(key), this.#value(value), flags);
  }

  /** Deletes an element; false if it was absent. */
  delete(key: K): boolean {
    return this.map.delete(this.#key(key));
  }

  /** True if there is an element. */
  has(key: K): boolean {
    return this.map.lookup(this.#key(key)) !== undefined;
  }

  /** The values of a key in a per-CPU map, one for each possible CPU. */
  getPerCpu(key: K): V[] | undefined {
    const values = this.map.lookup(this.#key(key));
    return values && this.map.perCpuValues(values).map((each) => this.#decodeValue(each));
  }

  /** Sets the values of a key in a per-CPU map, one for each possible CPU. */
  setPerCpu(key: K, values: readonly V[], flags: number = UpdateFlag.ANY): void {
    this.map.updatePerCpu(this.#key(key), values.map((each) => this.#value(each)), flags);
  }

  /** Keys and values; elements that come and go meanwhile may be left out. */
  *entries(): Generator<[K, V]> {
    for (const [key, value] of this.map.entries()) {
      yield [this.#decodeKey(key), this.#decodeValue(value)];
    }
  }

  /** The keys. */
  *keys(): Generator<K> {
    for (const key of this.map.keys()) yield this.#decodeKey(key);
  }

  /** {@linkcode TypedMap.entries}. */
  [Symbol.iterator](): Generator<[K, V]> {
    return this.entries();
  }

  #key(key: K): Uint8Array {
    return encode(this.#layouts.key, key, { action: "use key of", subject: this.map.name });
  }

  #value(value: V): Uint8Array {
    return encode(this.#layouts.value, value, { action: "use value of", subject: this.map.name });
  }

  #decodeKey(bytes: Uint8Array): K {
    return decode(this.#layouts.key, bytes) as K;
  }

  #decodeValue(bytes: Uint8Array): V {
    if (isPerCpu(this.map.type) && bytes.length !== this.map.valueSize) {
      throw new TypeError(
        `Cannot read value of "${this.map.name}": one per CPU, expected getPerCpu()`,
      );
    }
    return decode(this.#layouts.value, bytes) as V;
  }
}

function encode(
  layout: TypeLayout | undefined,
  value: BtfValue,
  context: { action: string; subject: string },
): Uint8Array {
  if (layout) return encodeValue(layout, value, context);
  if (value instanceof Uint8Array) return value;
  throw new TypeError(
    `Cannot ${context.action} "${context.subject}": a ${typeof value} without a type, ` +
      "expected a Uint8Array",
  );
}

function decode(layout: TypeLayout | undefined, bytes: Uint8Array): BtfValue {
  return layout ? decodeValue(layout, bytes) : bytes;
}

/**
 * A map with the key and value types that the specification gives it, under `name` or the map's
 * own. Throws `TypeError` if the specification has no such map.
 *
 * @example Usage
 * ```ts
 * import { createMap, parseObject, typedMap } from "ebpf-ts-loader";
 * async function first(path: string): Promise<unknown> {
 *   const spec = parseObject(await Deno.readFile(path), path);
 *   const counters = spec.maps.get("counters");
 *   if (!counters) throw new TypeError("no map");
 *   using map = createMap(counters);
 *   return typedMap<number, bigint>(map, spec).get(0); // 0n
 * }
 * ```
 */
export function typedMap<K extends BtfValue = BtfValue, V extends BtfValue = BtfValue>(
  map: BpfMap,
  spec: CollectionSpec,
  name: string = map.name,
): TypedMap<K, V> {
  const found = spec.maps.get(name);
  if (found) return new TypedMap<K, V>(map, mapLayouts(found, spec));
  throw new TypeError(
    `Cannot find map "${name}": not in "${spec.name}", expected one of ` +
      `${[...spec.maps.keys()].join(", ") || "none"}`,
  );
}

function mapLayouts(map: MapSpec, { btf }: CollectionSpec): MapLayouts {
  const layout = (id: number) => id === 0 ? undefined : btf?.layout(id);
  return { key: layout(map.keyTypeId), value: layout(map.valueTypeId) };
}
