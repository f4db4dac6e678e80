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
  PROFILE_UNMERGED,
  VERDICT_ALLOW,
  VERDICT_NONE,
  VERDICT_REDIRECT,
} from "../../datapath/layout.ts";

const WORD = 4;
const BLOCK_BYTES = 2 * IMAGE_LINE_BYTES;

/**
 * Reads a policy image as `bpf/image.h` describes it, to tell whether two images answer
 * alike. Neither datapath is asked.
 */
export class ImageReader {
  readonly #view: DataView;
  readonly #slots: number;
  readonly #entriesAt: number;
  readonly #blocksAt: number;

  readonly #listening: ReadonlySet<number>;

  /**
   * @param image All lines; read anew with every lookup.
   * @param listening Redirects whose proxies listen.
   */
  constructor(image: Uint8Array, listening: ReadonlySet<number> = new Set()) {
    this.#listening = listening;
    this.#view = new DataView(image.buffer, image.byteOffset, image.byteLength);
    this.#slots = this.#view.getUint32(IMAGE_HEADER_SLOTS_OFF, true);
    const entries = this.#view.getUint32(IMAGE_HEADER_ENTRIES_OFF, true);
    const cellLines = 2 * this.#slots / IMAGE_CELLS_PER_LINE;
    this.#entriesAt = (IMAGE_CELLS_LINE + cellLines) * IMAGE_LINE_BYTES;
    this.#blocksAt = this.#entriesAt + entries / IMAGE_ENTRIES_PER_LINE * IMAGE_LINE_BYTES;
  }

  /**
   * What a packet gets to know of the entry that decides about it, as text; `damaged` where
   * the image leads out of itself.
   */
  lookup(direction: 0 | 1, slot: number, key: number): string {
    try {
      return this.#answer(this.#entryAt(direction, slot < this.#slots ? slot : 0, key));
    } catch (error) {
      if (error instanceof RangeError) return "damaged";
      throw error;
    }
  }

  /** Slots that are looked up alike have equal ones. */
  cellsOf(slot: number): string {
    const cell = (direction: number) =>
      this.#view.getUint16(
        IMAGE_CELLS_LINE * IMAGE_LINE_BYTES + (direction * this.#slots + slot) * 2,
        true,
      );
    return slot < this.#slots ? `${cell(0)} ${cell(1)}` : "0 0";
  }

  #entryAt(direction: 0 | 1, slot: number, key: number): number {
    const broad = this.#view.getUint16(IMAGE_HEADER_BROAD_BLOCK_OFF + direction * 2, true);
    const cells = IMAGE_CELLS_LINE * IMAGE_LINE_BYTES;
    const cell = this.#view.getUint16(cells + (direction * this.#slots + slot) * 2, true);
    const own = this.#profile(cell === 0 ? broad : cell, key);
    if (!own.unmerged) return own.at;
    const other = this.#profile(broad, key).at;
    return this.#wins(other, own.at) ? other : own.at;
  }

  #profile(first: number, key: number): { at: number; unmerged: boolean } {
    const flags = this.#view.getUint32(this.#blocksAt + first * BLOCK_BYTES, true);
    let block = first;
    let index = this.#search(block, key);
    for (let depth = flags & PROFILE_DEPTH_MASK; depth > 0; depth--) {
      block += 1 + (depth === 1 ? index : index * IMAGE_CHILD_STRIDE);
      index = this.#search(block, key);
    }
    const line = this.#blocksAt + block * BLOCK_BYTES + IMAGE_LINE_BYTES;
    const entry = this.#view.getUint32(line + index * WORD, true);
    return {
      at: this.#entriesAt + entry * POLICY_ENTRY_SIZE,
      unmerged: (flags & PROFILE_UNMERGED) !== 0,
    };
  }

  /** Starts that are not above the key; the words are sorted only while nobody harms them. */
  #search(block: number, key: number): number {
    const word = (i: number) =>
      this.#view.getUint32(this.#blocksAt + block * BLOCK_BYTES + i * WORD, true);
    const quarter = [4, 8, 12].filter((i) => word(i) <= key).length * 4;
    const within = [1, 2, 3].filter((i) => word(quarter + i) <= key).length;
    return quarter + within & IMAGE_KEYS_PER_LINE - 1;
  }

  #wins(broad: number, own: number): boolean {
    const verdict = (at: number) => this.#view.getUint8(at + POLICY_ENTRY_VERDICT_OFF);
    const precedence = (at: number) => this.#view.getUint32(at + POLICY_ENTRY_PRECEDENCE_OFF, true);
    const prefix = (at: number) => this.#view.getUint8(at + POLICY_ENTRY_PREFIX_LEN_OFF);
    if (verdict(broad) === VERDICT_NONE) return false;
    if (verdict(own) === VERDICT_NONE) return true;
    if (precedence(broad) !== precedence(own)) return precedence(broad) > precedence(own);
    return prefix(broad) > prefix(own);
  }

  #answer(at: number): string {
    const verdict = this.#view.getUint8(at + POLICY_ENTRY_VERDICT_OFF);
    const cookie = this.#view.getUint32(at + POLICY_ENTRY_COOKIE_OFF, true);
    const matchType = this.#view.getUint8(at + POLICY_ENTRY_MATCH_TYPE_OFF);
    const prefixLength = this.#view.getUint8(at + POLICY_ENTRY_PREFIX_LEN_OFF);
    const redirects = verdict === VERDICT_REDIRECT;
    // Whether to authenticate is asked of what is allowed.
    const authenticates = (redirects || verdict === VERDICT_ALLOW) &&
      this.#view.getUint8(at + POLICY_ENTRY_AUTH_TYPE_OFF) !== 0;
    const id = this.#view.getUint16(at + POLICY_ENTRY_REDIRECT_OFF, true);
    const redirect = redirects && !authenticates && this.#listening.has(id) ? id : 0;
    return [verdict, cookie, matchType, prefixLength, authenticates, redirect].join(" ");
  }
}
