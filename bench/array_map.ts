import { type BpfMap, createMap, MapType } from "ebpf-ts-loader";

/** Creates an ARRAY map that no object declares; the caller owns it. */
export function createArray(name: string, valueSize: number, maxEntries: number): BpfMap {
  return createMap({
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
    inner: undefined,
    slots: [],
    contents: undefined,
    frozen: false,
    tags: [],
  });
}
