import { type BpfMap, createMap, type MapSpec, MapType } from "ebpf-ts-loader";

/** An ARRAY map that no object declares. */
export function arraySpec(name: string, valueSize: number, maxEntries: number): MapSpec {
  return {
    name,
    type: MapType.ARRAY,
    keySize: Uint32Array.BYTES_PER_ELEMENT,
    valueSize,
    maxEntries,
    flags: 0,
    numaNode: 0,
    mapExtra: 0n,
    pinByName: false,
    keyTypeId: 0,
    valueTypeId: 0,
    tags: [],
    inner: undefined,
    slots: [],
    contents: undefined,
    frozen: false,
  };
}

/** Creates an ARRAY map that no object declares; the caller owns it. */
export function createArray(name: string, valueSize: number, maxEntries: number): BpfMap {
  return createMap(arraySpec(name, valueSize, maxEntries));
}
