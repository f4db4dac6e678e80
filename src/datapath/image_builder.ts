/**
 * Policy images: built in Wasm memory, read by the emulator where they are, and copied
 * line by line into the kernel's maps.
 *
 * @module
 */
import type { MapState, MapStateEntry } from "../policy/map_state.ts";
import { imageError } from "./image_error.ts";
import { recordBytes, writeRecords } from "./image_records.ts";
import { IMAGE_CLASS_SHIFT, IMAGE_INDEX_MASK } from "./layout.ts";
import { lineBytes, type WasmInstance } from "./wasm.ts";

/** Size class of an image; see `IMAGE_S_*`, `IMAGE_M_*` and `IMAGE_L_*`. */
export type ImageClass = "S" | "M" | "L";

/**
 * Whether the broad identity's entries are merged into every profile:
 * - `auto`: yes, unless `compact` gives a smaller size class or only that fits;
 * - `merged`: yes;
 * - `compact`: where it costs the profile no block;
 * - `unmerged`: never; for tests.
 */
export type MergeMode = "auto" | "merged" | "compact" | "unmerged";

/** A run of lines of an image. */
export interface LineSpan {
  readonly first: number;
  readonly lines: number;
}

/** What to build an image of. */
export interface ImageSource {
  /** Policy number, for the header and for messages. */
  readonly policy: number;
  readonly revision: number;
  readonly mapState: MapState;
}

const MODES: Record<MergeMode, number> = { merged: 0, compact: 1, unmerged: 2, auto: 3 };
const CLASSES: readonly ImageClass[] = ["S", "M", "L"];

/** One image in the memory. It stays until {@linkcode ImageBuilder.free}. */
export class PolicyImage {
  readonly policy: number;
  readonly revision: number;
  /** Number under which both datapaths know it: class << 24 | index. */
  readonly table: number;
  /** Lines of 64 bytes. */
  readonly lines: number;
  /** Byte address of line 0 in the memory. */
  readonly address: number;
  readonly #memory: WebAssembly.Memory;

  constructor(wasm: WasmInstance, table: number, policy: number, revision: number) {
    this.policy = policy;
    this.revision = revision;
    this.table = table;
    this.lines = wasm.exports.linesOf(table >> IMAGE_CLASS_SHIFT);
    this.address = wasm.exports.imageOf(table) >>> 0;
    this.#memory = wasm.memory;
  }

  /** Size class. */
  get sizeClass(): ImageClass {
    return CLASSES[this.table >> IMAGE_CLASS_SHIFT] ?? "L";
  }

  /** Index of the table in its class's map; never 0. */
  get index(): number {
    return this.table & IMAGE_INDEX_MASK;
  }

  /** All lines: the values of the kernel's array, not a copy. Growth of the memory detaches it. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.span({ first: 0, lines: this.lines });
  }

  /** Some lines, not a copy. */
  span(span: LineSpan): Uint8Array<ArrayBuffer> {
    // No plain memory is shared.
    const buffer = this.#memory.buffer as ArrayBuffer;
    return new Uint8Array(buffer, this.address + lineBytes(span.first), lineBytes(span.lines));
  }
}

/** Builds, extends and frees images. One per Wasm instance. */
export class ImageBuilder {
  readonly #wasm: WasmInstance;
  #records = 0;
  #recordBytes = 0;

  constructor(wasm: WasmInstance) {
    this.#wasm = wasm;
  }

  /**
   * Builds an image of the smallest size class that holds it. Nothing points to it yet.
   *
   * @param slotOf Slot of an identity; 0 if it has none.
   * @throws {RangeError} If a limit is exceeded, which the message names; nothing is left.
   * @throws {TypeError} If the map state is not canonical.
   */
  build(
    source: ImageSource,
    slotOf: (identity: number) => number,
    mode: MergeMode = "auto",
  ): PolicyImage {
    const { policy, revision, mapState: { entries } } = source;
    const records = this.#write(entries, slotOf);
    const { exports } = this.#wasm;
    const table = exports.buildImage(records, entries.length, policy, revision, MODES[mode]);
    if (table < 0) throw this.#error("build image", policy, table, entries);
    return new PolicyImage(this.#wasm, table, policy, revision);
  }

  /**
   * Gives more identities their profiles in an image that is in use: their blocks are
   * appended, then their cells point there. No line that is in use changes but cells.
   *
   * @param entries All entries of these identities and no others, in order.
   * @returns The lines that changed. A copy of the image takes them over in this order.
   * @throws {ImageFullError} If they do not fit; build a new image. This one is unchanged.
   */
  extend(
    image: PolicyImage,
    entries: readonly MapStateEntry[],
    slotOf: (identity: number) => number,
  ): LineSpan[] {
    const records = this.#write(entries, slotOf);
    const error = this.#wasm.exports.extendImage(image.table, records, entries.length);
    if (error < 0) throw this.#error("extend image", image.policy, error, entries);
    return this.#spans();
  }

  /**
   * Takes a slot's profiles away: its peer is judged by the broad entries alone.
   *
   * @returns The lines that changed.
   */
  clearSlot(image: PolicyImage, slot: number): LineSpan[] {
    const error = this.#wasm.exports.clearSlot(image.table, slot);
    if (error < 0) throw this.#error("clear slot of image", image.policy, error, []);
    return this.#spans();
  }

  /** Gives the image's memory and table back. No datapath may be reading it. */
  free(image: PolicyImage): void {
    this.#wasm.exports.freeImage(image.table);
  }

  /**
   * Frees an image that no policy names any more, once every worker has passed; without
   * workers, at once.
   *
   * @returns How many images wait for workers.
   */
  retire(image: PolicyImage): number {
    return this.#wasm.exports.retireImage(image.table);
  }

  /** Frees what waits and no worker reads any more. Returns how many images wait still. */
  reclaim(): number {
    return this.#wasm.exports.reclaimImages();
  }

  /** Writes the builder's input and returns its address. */
  #write(entries: readonly MapStateEntry[], slotOf: (identity: number) => number): number {
    const { exports, memory } = this.#wasm;
    const bytes = Math.max(recordBytes(entries.length), recordBytes(1));
    if (bytes > this.#recordBytes) {
      exports.release(this.#records, this.#recordBytes);
      this.#recordBytes = 0;
      this.#records = exports.allocate(bytes) >>> 0;
      if (this.#records === 0) {
        throw new RangeError(
          `Cannot encode "${entries.length}" map state entries: out of memory, expected ${bytes} bytes`,
        );
      }
      this.#recordBytes = bytes;
    }
    writeRecords(new DataView(memory.buffer), this.#records, entries, slotOf);
    return this.#records;
  }

  #spans(): LineSpan[] {
    const { exports, memory } = this.#wasm;
    const count = exports.changedSpanCount();
    const words = new Uint32Array(memory.buffer, exports.changedSpans() >>> 0, count * 2);
    const spans: LineSpan[] = [];
    for (let i = 0; i < count; i++) {
      spans.push({ first: words[2 * i] ?? 0, lines: words[2 * i + 1] ?? 0 });
    }
    return spans;
  }

  #error(action: string, policy: number, code: number, entries: readonly MapStateEntry[]): Error {
    const detail = this.#wasm.exports.errorDetail() >>> 0;
    return imageError(action, `policy ${policy}`, code, detail, entries);
  }
}
