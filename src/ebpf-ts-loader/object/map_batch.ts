import { ATTR, BPF, BpfAttr, bpfCommandName, ERRNO, SyscallError } from "../sys/mod.ts";
import { type ElementLayout, wholeValueSize } from "./map_elements.ts";

/**
 * A batch stopped part-way: the elements before number `done` took effect, that one and those
 * behind it did not. Go on with `from: error.done`, or `from: error.done + 1` to leave it out.
 *
 * @example Usage
 * ```ts
 * import { BatchError, type BpfMap } from "ebpf-ts-loader";
 * function updateWhatFits(map: BpfMap, keys: Uint8Array, values: Uint8Array): number {
 *   try {
 *     map.updateBatch(keys, values);
 *     return keys.length / map.keySize;
 *   } catch (error) {
 *     if (error instanceof BatchError && error.code === "E2BIG") return error.done;
 *     throw error;
 *   }
 * }
 * ```
 */
export class BatchError extends SyscallError {
  /** For messages and `switch`. */
  override name = "BatchError";
  /** Index of the first element that was not processed, counted from the start of the arrays. */
  readonly done: number;

  /** Describes the failure of one batch command. */
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
  /** Elements in the arrays. @default as many as the keys have room for */
  count?: number;
  /** Index of the first element to process: where a {@linkcode BatchError} stopped. @default 0 */
  from?: number;
  /** Element flags: only `UpdateFlag.LOCK` is taken. @default ANY */
  flags?: number;
}

/** Options of a batch deletion. */
export interface DeleteBatchOptions extends Pick<BatchOptions, "count" | "from"> {
  /** What to do about a key that is not in the map. @default "fail", with ENOENT */
  absent?: "fail" | "skip";
}

/**
 * Where a batch lookup goes on; made by `new BatchCursor()`, one per pass over the map.
 *
 * @example Usage
 * ```ts
 * import { BatchCursor, type BpfMap } from "ebpf-ts-loader";
 * function count(map: BpfMap): number {
 *   const room = 256;
 *   const keys = new Uint8Array(room * map.keySize);
 *   const values = new Uint8Array(room * map.wholeValueSize);
 *   const cursor = new BatchCursor();
 *   let total = 0;
 *   while (!cursor.ended) total += map.lookupBatch(keys, values, cursor).count;
 *   return total;
 * }
 * ```
 */
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

interface Write {
  readonly map: Target;
  readonly command: number;
  readonly attr: BpfAttr;
  readonly from: number;
  readonly total: number;
}

function prepareWrite(
  map: Target,
  command: number,
  { keys, values, options }: {
    keys: Uint8Array;
    values: Uint8Array | undefined;
    options: BatchOptions;
  },
): Write {
  const total = elementCount(map, keys, values, options.count);
  const { from = 0, flags = 0 } = options;
  if (!Number.isInteger(from) || from < 0 || from > total) {
    throw new RangeError(
      `Cannot batch on map "${map.name}": from element ${from}, expected 0 to ${total}`,
    );
  }
  const attr = new BpfAttr(command, ATTR.BATCH.size)
    .u32(ATTR.BATCH.fd, map.fd)
    .pointer(ATTR.BATCH.keysPtr, keys.subarray(from * map.keySize))
    .pointer(ATTR.BATCH.valuesPtr, values?.subarray(from * wholeValueSize(map)) ?? null)
    .u32(ATTR.BATCH.count, total - from)
    .u64(ATTR.BATCH.elementFlags64, BigInt(flags));
  return { map, command, attr, from, total };
}

function finishWrite({ map, command, attr, from, total }: Write, result: number): void {
  if (result >= 0) return;
  // A batch that stopped part-way has processed fewer than all; the kernel leaves `count` as it
  // was when it refuses the whole batch.
  const processed = attr.getU32(ATTR.BATCH.count);
  const done = processed < total - from ? from + processed : from;
  throw new BatchError(bpfCommandName(command), -result, { map: map.name, done, of: total });
}

/** BPF_MAP_UPDATE_BATCH straight from the caller's bytes. */
export function updateBatch(
  map: Target,
  keys: Uint8Array,
  values: Uint8Array,
  options: BatchOptions = {},
): void {
  const write = prepareWrite(map, BPF.MAP_UPDATE_BATCH, { keys, values, options });
  if (write.total > write.from) finishWrite(write, write.attr.call());
}

/** BPF_MAP_UPDATE_BATCH on a thread of the pool. */
export async function updateBatchAsync(
  map: Target,
  keys: Uint8Array,
  values: Uint8Array,
  options: BatchOptions = {},
): Promise<void> {
  const write = prepareWrite(map, BPF.MAP_UPDATE_BATCH, { keys, values, options });
  if (write.total > write.from) finishWrite(write, await write.attr.callAsync());
}

/** BPF_MAP_DELETE_BATCH; returns how many elements were deleted. */
export function deleteBatch(
  map: Target,
  keys: Uint8Array,
  options: DeleteBatchOptions = {},
): number {
  const { absent = "fail", from: first = 0 } = options;
  let skipped = 0;
  for (let from = first;;) {
    const write = prepareWrite(map, BPF.MAP_DELETE_BATCH, {
      keys,
      values: undefined,
      options: { ...options, from },
    });
    if (write.total === from) return write.total - first - skipped;
    const result = write.attr.call();
    try {
      finishWrite(write, result);
      return write.total - first - skipped;
    } catch (error) {
      const skip = absent === "skip" && error instanceof BatchError &&
        error.errno === ERRNO.ENOENT;
      if (!skip) throw error;
      skipped++;
      from = error.done + 1;
    }
  }
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
