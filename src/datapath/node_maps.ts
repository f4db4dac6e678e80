import type { BpfMap, CollectionSpec } from "ebpf-ts-loader";
import type { NodeState, PolicyState } from "./datapath.ts";
import type { DatapathMemory, TableName } from "./datapath_memory.ts";

/** The maps of a node's programs, by what is kept in them. */
export interface NodeMaps extends Disposable {
  /** One of the datapath's maps. */
  map(name: string): BpfMap;

  /** Fills empty maps with everything that `memory` holds, which is `state`. */
  fill(memory: DatapathMemory, state: NodeState): Promise<void>;

  /**
   * Replaces one policy while packets flow: each is judged by the old or by the new one.
   *
   * @throws {RangeError} If the policy does not fit; the old one stays in force.
   */
  replacePolicy(policy: PolicyState, memory: DatapathMemory): Promise<void>;
}

/** Makes what fills the maps of an object; the maps stay the caller's and must outlive it. */
export type NodeMapsMaker<Maps extends NodeMaps> = new (
  spec: CollectionSpec,
  maps: ReadonlyMap<string, BpfMap>,
) => Maps;

/**
 * One of an object's maps.
 *
 * @throws {TypeError} If there is none of the name.
 */
export function requireMap(
  maps: ReadonlyMap<string, BpfMap>,
  name: string,
  spec: CollectionSpec,
): BpfMap {
  const map = maps.get(name);
  if (map) return map;
  throw new TypeError(
    `Cannot find map "${name}": not in "${spec.name}", expected one of ` +
      [...maps.keys()].join(", "),
  );
}

/** Copies whole tables from Wasm memory into maps of the same name, one batch each. */
export function fillTables(
  maps: Pick<NodeMaps, "map">,
  memory: DatapathMemory,
  names: readonly TableName[],
): void {
  for (const name of names) {
    const { count, keys, values } = memory.table(name);
    if (count > 0) maps.map(name).updateBatch(keys, values);
  }
}

/** Words as the bytes that a map takes. */
export function wordBytes(words: readonly number[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Uint32Array.from(words).buffer);
}
