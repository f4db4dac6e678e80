import type { MapSpec } from "./collection_spec.ts";

/** A map's specification of which only the name is known. */
export function emptyMap(name: string): MapSpec {
  return {
    name,
    type: 0,
    keySize: 0,
    valueSize: 0,
    maxEntries: 0,
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
  };
}
