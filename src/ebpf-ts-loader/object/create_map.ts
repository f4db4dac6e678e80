import { MismatchError, NotSupportedError } from "../errors.ts";
import type { Difference } from "../errors.ts";
import { kernelFeatures } from "../features/kernel_features.ts";
import { mapTypeSince } from "../features/minimum_kernels.ts";
import type { MapSpec } from "../spec/collection_spec.ts";
import { isMapOfMaps, MapFlags, MapType, mapTypeName } from "../spec/map_types.ts";
import { ATTR, BPF, BpfAttr, close, ERRNO, objectName, pageSize } from "../sys/mod.ts";
import { BpfMap } from "./bpf_map.ts";
import { mapInfo } from "./info.ts";
import { openPinnedObject } from "./pin.ts";
import { possibleCpus } from "./possible_cpus.ts";

/** Options of {@linkcode createMap}. */
export interface CreateMapOptions {
  /** fd of the loaded BTF that the specification's type ids refer to. @default none */
  btfFd?: number;
  /** Name the kernel shows, cut to 15 characters. @default the specification's name */
  name?: string;
}

/**
 * Creates a map from its specification, with its initial contents, frozen if it says so. Slots are
 * left empty: what goes in there may not exist yet. The caller owns the map.
 */
export function createMap(spec: MapSpec, options: CreateMapOptions = {}): BpfMap {
  const maxEntries = actualMaxEntries(spec);
  const fd = createFd(spec, maxEntries, options);
  const map = new BpfMap(fd, { ...spec, name: options.name ?? spec.name, maxEntries });
  try {
    fill(map, spec);
    return map;
  } catch (error) {
    map[Symbol.dispose]();
    throw error;
  }
}

function fill(map: BpfMap, spec: MapSpec): void {
  // The kernel's memory is zero already.
  if (spec.contents?.some((byte) => byte !== 0)) map.update(0, spec.contents);
  if (spec.frozen) map.freeze();
}

function actualMaxEntries(spec: MapSpec): number {
  if (spec.type === MapType.PERF_EVENT_ARRAY && spec.maxEntries === 0) return possibleCpus();
  if (spec.type !== MapType.RINGBUF && spec.type !== MapType.USER_RINGBUF) return spec.maxEntries;
  // Bytes of the ring: a power of two of whole pages.
  const size = Math.max(spec.maxEntries, pageSize());
  return 2 ** Math.ceil(Math.log2(size));
}

function createFd(spec: MapSpec, maxEntries: number, options: CreateMapOptions): number {
  const inner = innerTemplate(spec, options);
  try {
    const attr = createAttr(spec, maxEntries, options);
    if (inner) attr.u32(ATTR.MAP_CREATE.innerFd, inner.fd);
    const fd = callWithOrWithoutBtf(attr, spec, options);
    if (fd >= 0) return fd;
    throw creationError(attr, fd, spec);
  } finally {
    inner?.[Symbol.dispose]();
  }
}

/** A refusal has many reasons; that the kernel is too old is asked only now. */
function creationError(attr: BpfAttr, result: number, spec: MapSpec): Error {
  const action = `create ${mapTypeName(spec.type)} map`;
  const cause = attr.creationError(result, { action, subject: spec.name });
  if (result === -ERRNO.EPERM || kernelFeatures.mapType(spec.type) !== "no") return cause;
  const feature = `map type ${mapTypeName(spec.type)}`;
  return new NotSupportedError(action, spec.name, feature, mapTypeSince(spec.type), { cause });
}

function innerTemplate(spec: MapSpec, options: CreateMapOptions): BpfMap | undefined {
  if (!isMapOfMaps(spec.type)) return undefined;
  if (!spec.inner) {
    throw new NotSupportedError("create map", spec.name, "a map-in-map without inner definition");
  }
  // The kernel copies the properties; the map itself is only needed during the call.
  return createMap(spec.inner, options.btfFd === undefined ? {} : { btfFd: options.btfFd });
}

function createAttr(spec: MapSpec, maxEntries: number, options: CreateMapOptions): BpfAttr {
  const at = ATTR.MAP_CREATE;
  return new BpfAttr(BPF.MAP_CREATE, at.size)
    .u32(at.type, spec.type)
    .u32(at.keySize, spec.keySize)
    .u32(at.valueSize, spec.valueSize)
    .u32(at.maxEntries, maxEntries)
    .u32(at.flags, spec.flags)
    .u32(at.numaNode, spec.numaNode)
    .inline(at.name, objectName(options.name ?? spec.name))
    .u64(at.extra64, spec.mapExtra);
}

/**
 * BTF is for people reading the map: many types refuse it (prog arrays, map-in-maps, tries with a
 * plain key), each kernel in its own way, so a refusal is tried again without.
 */
function callWithOrWithoutBtf(
  attr: BpfAttr,
  spec: MapSpec,
  { btfFd }: CreateMapOptions,
): number {
  const at = ATTR.MAP_CREATE;
  if (btfFd === undefined || spec.valueTypeId === 0) return attr.call();
  attr
    .u32(at.btfFd, btfFd)
    .u32(at.keyTypeId, spec.keyTypeId)
    .u32(at.valueTypeId, spec.valueTypeId);
  const fd = attr.call();
  if (fd >= 0 || fd === -ERRNO.EPERM || fd === -ERRNO.ENOMEM) return fd;
  return attr.u32(at.btfFd, 0).u32(at.keyTypeId, 0).u32(at.valueTypeId, 0).call();
}

/**
 * Opens a pinned map; the caller owns it. The kernel's name may be shorter than the declared.
 * Throws `TypeError` if something else is pinned there.
 *
 * @example Usage
 * ```ts
 * import { openPinnedMap } from "ebpf-ts-loader";
 * function readPinned(path: string, key: number): Uint8Array | undefined {
 *   using map = openPinnedMap(path);
 *   return map.lookup(key);
 * }
 * ```
 */
export function openPinnedMap(path: string): BpfMap {
  const fd = openPinnedObject(path, "map");
  try {
    return new BpfMap(fd, mapInfo(fd));
  } catch (error) {
    close(fd);
    throw error;
  }
}

/** How a map must agree with a specification. */
export interface CompatibilityOptions {
  /** Also require the same number of entries. @default true */
  maxEntries?: boolean;
}

/**
 * Throws {@linkcode MismatchError} with every difference between a map and its specification:
 * type, sizes, entries, flags, type-specific extra, and whether it is frozen.
 *
 * @example Usage
 * ```ts
 * import { type MapSpec, openPinnedMap, requireCompatible } from "ebpf-ts-loader";
 * function reuse(path: string, spec: MapSpec) {
 *   using stack = new DisposableStack();
 *   const map = stack.use(openPinnedMap(path));
 *   requireCompatible(map, spec);
 *   stack.move();
 *   return map;
 * }
 * ```
 */
export function requireCompatible(
  map: BpfMap,
  spec: MapSpec,
  options: CompatibilityOptions = {},
): void {
  const differences: Difference[] = [];
  const compare = <T extends number | bigint | string>(field: string, actual: T, expected: T) => {
    if (actual !== expected) differences.push({ field, actual, expected });
  };
  const { flags, mapExtra } = map.info();
  compare("type", mapTypeName(map.type), mapTypeName(spec.type));
  compare("keySize", map.keySize, spec.keySize);
  compare("valueSize", map.valueSize, spec.valueSize);
  if (options.maxEntries ?? true) compare("maxEntries", map.maxEntries, actualMaxEntries(spec));
  compare("flags", hex(flags & ~addedFlags(spec)), hex(spec.flags));
  compare("mapExtra", mapExtra, spec.mapExtra);
  // What may be written while the specification wants it constant, or the other way round.
  if (map.isFrozen() !== undefined) compare("frozen", String(map.isFrozen()), String(spec.frozen));
  if (differences.length > 0) throw new MismatchError("map", spec.name, differences);
}

function hex(flags: number): string {
  return `0x${flags.toString(16)}`;
}

/** Flags that the kernel sets by itself, where the specification did not ask for them. */
function addedFlags(spec: MapSpec): number {
  const forced = spec.type === MapType.DEVMAP || spec.type === MapType.DEVMAP_HASH
    ? MapFlags.RDONLY_PROG
    : 0;
  return forced & ~spec.flags;
}
