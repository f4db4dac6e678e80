import { ATTR, BPF, BpfAttr, bpfCommandName, ERRNO, SyscallError } from "../sys/mod.ts";
import { type ElementLayout, wholeValueSize } from "./map_elements.ts";

/** A batch stopped part-way; `done` elements before the failing one took effect. */
export class BatchError extends SyscallError {
  override name = "BatchError";
  /** Elements that were processed. */
  readonly done: number;

  constructor(command: string, errno: number, context: { map: string; done: number; of: number }) {
    super(command, errno, {
      action: "finish batch on map",
      subject: context.map,
      expected: `${context.of} elements (${context.done} done)`,
    });
    this.done = context.done;
  }
}

/** Options of a batch update. */
export interface BatchOptions {
  /** Elements in the batch. @default as many as the keys have room for */
  count?: number;
  /** Element flags; see `UpdateFlag`. @default ANY */
  flags?: number;
}

/** Where a batch lookup goes on; made by `new BatchCursor()`, one per pass over the map. */
export class BatchCursor {
  /** Opaque to the caller. @internal */
  position: Uint8Array<ArrayBuffer> | undefined;
  /** True once everything has been read. */
  ended = false;
}

/** What a batch lookup read. */
export interface BatchResult {
  /** Elements written to the buffers. */
  readonly count: number;
  /** True if these were the last. */
  readonly end: boolean;
}

interface Target extends ElementLayout {
  readonly fd: number;
}

function elementCount(
  map: Target,
  keys: Uint8Array,
  values: Uint8Array | undefined,
  count = Math.floor(keys.length / map.keySize),
): number {
  const valueSize = wholeValueSize(map);
  const room = values ? Math.floor(values.length / valueSize) : Infinity;
  const fits = Number.isInteger(count) && count >= 0 && count <= 0x7fffffff &&
    count * map.keySize <= keys.length && count <= room;
  if (fits) return count;
  throw new RangeError(
    `Cannot batch on map "${map.name}": ${count} elements in ${keys.length} key bytes and ` +
      `${values?.length ?? "no"} value bytes, expected ${map.keySize} and ${valueSize} each`,
  );
}

function writeAttr(
  map: Target,
  command: number,
  { keys, values, count, flags }: {
    keys: Uint8Array;
    values: Uint8Array | undefined;
    count: number;
    flags: number;
  },
): BpfAttr {
  return new BpfAttr(command, ATTR.BATCH.size)
    .u32(ATTR.BATCH.fd, map.fd)
    .pointer(ATTR.BATCH.keysPtr, keys)
    .pointer(ATTR.BATCH.valuesPtr, values ?? null)
    .u32(ATTR.BATCH.count, count)
    .u64(ATTR.BATCH.elementFlags64, BigInt(flags));
}

function finishWrite(
  map: Target,
  attr: BpfAttr,
  result: number,
  command: number,
  of: number,
): void {
  if (result >= 0) return;
  // The kernel leaves `count` alone when it refuses the whole batch.
  const refused = result === -ERRNO.EINVAL || result === -ERRNO.ENOTSUPP;
  const done = refused ? 0 : Math.min(attr.getU32(ATTR.BATCH.count), of);
  throw new BatchError(bpfCommandName(command), -result, { map: map.name, done, of });
}

/** BPF_MAP_UPDATE_BATCH straight from the caller's bytes. */
export function updateBatch(
  map: Target,
  keys: Uint8Array,
  values: Uint8Array,
  options: BatchOptions = {},
): void {
  const count = elementCount(map, keys, values, options.count);
  if (count === 0) return;
  const { flags = 0 } = options;
  const attr = writeAttr(map, BPF.MAP_UPDATE_BATCH, { keys, values, count, flags });
  finishWrite(map, attr, attr.call(), BPF.MAP_UPDATE_BATCH, count);
}

/** BPF_MAP_UPDATE_BATCH on a thread of the pool. */
export async function updateBatchAsync(
  map: Target,
  keys: Uint8Array,
  values: Uint8Array,
  options: BatchOptions = {},
): Promise<void> {
  const count = elementCount(map, keys, values, options.count);
  if (count === 0) return;
  const { flags = 0 } = options;
  const attr = writeAttr(map, BPF.MAP_UPDATE_BATCH, { keys, values, count, flags });
  finishWrite(map, attr, await attr.callAsync(), BPF.MAP_UPDATE_BATCH, count);
}

/** BPF_MAP_DELETE_BATCH. */
export function deleteBatch(map: Target, keys: Uint8Array, options: BatchOptions = {}): void {
  const count = elementCount(map, keys, undefined, options.count);
  if (count === 0) return;
  const attr = writeAttr(map, BPF.MAP_DELETE_BATCH, { keys, values: undefined, count, flags: 0 });
  finishWrite(map, attr, attr.call(), BPF.MAP_DELETE_BATCH, count);
}

/** BPF_MAP_LOOKUP_BATCH or BPF_MAP_LOOKUP_AND_DELETE_BATCH into the caller's bytes. */
export function lookupBatch(
  map: Target,
  { keys, values, cursor, remove }: {
    keys: Uint8Array;
    values: Uint8Array;
    cursor: BatchCursor;
    remove: boolean;
  },
): BatchResult {
  const valueSize = wholeValueSize(map);
  const room = Math.min(
    Math.floor(keys.length / map.keySize),
    Math.floor(values.length / valueSize),
  );
  elementCount(map, keys, values, Math.max(room, 1));
  if (cursor.ended) return { count: 0, end: true };
  const command = remove ? BPF.MAP_LOOKUP_AND_DELETE_BATCH : BPF.MAP_LOOKUP_BATCH;
  const next = new Uint8Array(Math.max(4, map.keySize));
  const attr = new BpfAttr(command, ATTR.BATCH.size)
    .u32(ATTR.BATCH.fd, map.fd)
    .pointer(ATTR.BATCH.inPtr, cursor.position ?? null)
    .pointer(ATTR.BATCH.outPtr, next)
    .pointer(ATTR.BATCH.keysPtr, keys)
    .pointer(ATTR.BATCH.valuesPtr, values)
    .u32(ATTR.BATCH.count, room);
  const result = attr.call();
  if (result < 0 && result !== -ERRNO.ENOENT) {
    throw new BatchError(bpfCommandName(command), -result, { map: map.name, done: 0, of: room });
  }
  cursor.position = next;
  cursor.ended = result === -ERRNO.ENOENT;
  return { count: attr.getU32(ATTR.BATCH.count), end: cursor.ended };
}
