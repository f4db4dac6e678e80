/**
 * The bytes of a policy image that a lookup reads, found by walking the image as
 * `bpf/image.h` draws it.
 *
 * @module
 */
import {
  IMAGE_CELLS_LINE,
  IMAGE_CELLS_PER_LINE,
  IMAGE_CHILD_STRIDE,
  IMAGE_ENTRIES_PER_LINE,
  IMAGE_HEADER_BROAD_BLOCK_OFF,
  IMAGE_HEADER_ENTRIES_OFF,
  IMAGE_HEADER_SLOTS_OFF,
  IMAGE_KEYS_PER_LINE,
  IMAGE_LINE_BYTES,
  POLICY_ENTRY_AUTH_TYPE_OFF,
  POLICY_ENTRY_COOKIE_OFF,
  POLICY_ENTRY_MATCH_TYPE_OFF,
  POLICY_ENTRY_PRECEDENCE_OFF,
  POLICY_ENTRY_PREFIX_LEN_OFF,
  POLICY_ENTRY_REDIRECT_OFF,
  POLICY_ENTRY_SIZE,
  POLICY_ENTRY_VERDICT_OFF,
  PROFILE_DEPTH_MASK,
  VERDICT_ALLOW,
  VERDICT_REDIRECT,
} from "../../datapath/layout.ts";
import { canHaveKey } from "./packet_key.ts";

/** What a byte of an image is part of. */
export type ImagePart =
  | "header"
  | "cell"
  | "profile flags"
  | "range start"
  | "entry number"
  | "precedence"
  | "cookie"
  | "redirect"
  | "verdict"
  | "match type"
  | "prefix length"
  | "auth type";

/** A byte that a lookup reads. */
export interface ImageByte {
  readonly offset: number;
  readonly part: ImagePart;
}

const ENTRY_FIELDS: readonly (readonly [part: ImagePart, offset: number, bytes: number])[] = [
  ["precedence", POLICY_ENTRY_PRECEDENCE_OFF, 4],
  ["cookie", POLICY_ENTRY_COOKIE_OFF, 4],
  ["redirect", POLICY_ENTRY_REDIRECT_OFF, 2],
  ["verdict", POLICY_ENTRY_VERDICT_OFF, 1],
  ["match type", POLICY_ENTRY_MATCH_TYPE_OFF, 1],
  ["prefix length", POLICY_ENTRY_PREFIX_LEN_OFF, 1],
  ["auth type", POLICY_ENTRY_AUTH_TYPE_OFF, 1],
];

/** Behind the last key. */
const END_OF_KEYS = 1 << 24;
const UNUSED_START = 0xffffffff;
const WORD = 4;
const BLOCK_BYTES = 2 * IMAGE_LINE_BYTES;

/**
 * Lists the bytes, in order.
 *
 * @param image All lines of the image.
 * @param slots Slots of the identities that the node knows.
 */
export function usedImageBytes(image: Uint8Array, slots: readonly number[]): ImageByte[] {
  const walk = new ImageWalk(image);
  for (const direction of [0, 1] as const) {
    walk.header(direction);
    for (const slot of slots) walk.cell(direction, slot);
  }
  return walk.bytes;
}

/** Lists the keys at which ranges begin. */
export function usedImageStarts(image: Uint8Array, slots: readonly number[]): Set<number> {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const parts = usedImageBytes(image, slots);
  const starts = parts.filter(({ part, offset }) => part === "range start" && offset % WORD === 0);
  return new Set(starts.map(({ offset }) => view.getUint32(offset, true)));
}

class ImageWalk {
  readonly #view: DataView;
  readonly #slots: number;
  readonly #entriesAt: number;
  readonly #blocksAt: number;
  readonly #parts = new Map<number, ImagePart>();
  readonly #seen = new Set<number>();

  constructor(image: Uint8Array) {
    this.#view = new DataView(image.buffer, image.byteOffset, image.byteLength);
    this.#slots = this.#view.getUint32(IMAGE_HEADER_SLOTS_OFF, true);
    const entries = this.#view.getUint32(IMAGE_HEADER_ENTRIES_OFF, true);
    const cellLines = 2 * this.#slots / IMAGE_CELLS_PER_LINE;
    this.#entriesAt = (IMAGE_CELLS_LINE + cellLines) * IMAGE_LINE_BYTES;
    this.#blocksAt = this.#entriesAt + entries / IMAGE_ENTRIES_PER_LINE * IMAGE_LINE_BYTES;
  }

  get bytes(): ImageByte[] {
    return [...this.#parts].map(([offset, part]) => ({ offset, part }))
      .sort((a, b) => a.offset - b.offset);
  }

  header(direction: 0 | 1): void {
    const at = IMAGE_HEADER_BROAD_BLOCK_OFF + direction * 2;
    this.#note(at, 2, "header");
    this.#profile(this.#view.getUint16(at, true));
  }

  cell(direction: 0 | 1, slot: number): void {
    if (slot >= this.#slots) return;
    const at = IMAGE_CELLS_LINE * IMAGE_LINE_BYTES + (direction * this.#slots + slot) * 2;
    this.#note(at, 2, "cell");
    const block = this.#view.getUint16(at, true);
    if (block !== 0) this.#profile(block);
  }

  #profile(block: number): void {
    if (this.#seen.has(block)) return;
    this.#seen.add(block);
    const at = this.#blocksAt + block * BLOCK_BYTES;
    this.#note(at, 1, "profile flags");
    this.#block(block, this.#view.getUint32(at, true) & PROFILE_DEPTH_MASK, [0, END_OF_KEYS]);
  }

  /** A block that packets with keys from `first` up to `end` come to. */
  #block(block: number, depth: number, [first, end]: readonly [number, number]): void {
    const at = this.#blocksAt + block * BLOCK_BYTES;
    const starts = [first];
    for (let word = 1; word < IMAGE_KEYS_PER_LINE; word++) {
      const start = this.#view.getUint32(at + word * WORD, true);
      if (start === UNUSED_START) continue;
      this.#note(at + word * WORD, WORD, "range start");
      starts.push(start);
    }
    for (const [i, start] of starts.entries()) {
      const range = [start, starts[i + 1] ?? end] as const;
      // Ranges cover all keys; no packet comes to those between the protocols.
      if (!canHaveKey(...range)) continue;
      if (depth > 0) {
        const stride = depth === 1 ? 1 : IMAGE_CHILD_STRIDE;
        this.#block(block + 1 + i * stride, depth - 1, range);
        continue;
      }
      const number = at + IMAGE_LINE_BYTES + i * WORD;
      this.#note(number, WORD, "entry number");
      this.#entry(this.#view.getUint32(number, true));
    }
  }

  #entry(number: number): void {
    const at = this.#entriesAt + number * POLICY_ENTRY_SIZE;
    const verdict = this.#view.getUint8(at + POLICY_ENTRY_VERDICT_OFF);
    const redirects = verdict === VERDICT_REDIRECT;
    for (const [part, offset, bytes] of ENTRY_FIELDS) {
      if (part === "redirect" && !redirects) continue;
      // Whether to authenticate is asked of what is allowed.
      if (part === "auth type" && !redirects && verdict !== VERDICT_ALLOW) continue;
      this.#note(at + offset, bytes, part);
    }
  }

  #note(offset: number, bytes: number, part: ImagePart): void {
    for (let i = 0; i < bytes; i++) this.#parts.set(offset + i, part);
  }
}
