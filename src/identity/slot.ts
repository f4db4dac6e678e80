/** Identities below have a slot of the same number. */
export const FIRST_DYNAMIC_SLOT = 256;
/** Default bound on slots: cells hold a u16 profile per slot, an image 64 Ki of them at most. */
export const MAX_SLOTS = 65536;

/**
 * Where a slot is between use and reuse:
 * - `used`: identity → slot is published;
 * - `retired`: taken out of `ipcache` and `identities`; packets in flight may still use it;
 * - `cleared`: after a grace period, its cells in every policy were cleared.
 *
 * After one more grace period {@linkcode Slots.reuse} ends the story.
 */
export type SlotPhase = "used" | "retired" | "cleared";

/**
 * Dense numbers for identities, by which policy images are indexed.
 *
 * A slot of 256 and up is reused only after the caller has walked through the phases,
 * so that no packet meets the cells of another identity. Slots of reserved identities
 * (1–255) are fixed and are always there.
 */
export class Slots {
  readonly #limit: number;
  readonly #byIdentity = new Map<number, number>();
  readonly #phases = new Map<number, SlotPhase>();
  readonly #free: number[] = [];
  #next = FIRST_DYNAMIC_SLOT;
  #refused = 0;

  /** @param limit Slots there can be, the reserved ones included. */
  constructor(limit: number = MAX_SLOTS) {
    this.#limit = limit;
  }

  /** One more than the highest slot ever used: what an image needs cells for. */
  get size(): number {
    return this.#next;
  }

  /** How often {@linkcode add} found no slot: identities that fall back by scope. */
  get refused(): number {
    return this.#refused;
  }

  /** Returns the slot of an identity; `undefined` when it has none. */
  get(identity: number): number | undefined {
    return isReserved(identity) ? identity : this.#byIdentity.get(identity);
  }

  /** Returns where a slot is; `undefined` for one that is free. */
  phaseOf(slot: number): SlotPhase | undefined {
    return isReserved(slot) ? "used" : this.#phases.get(slot);
  }

  /**
   * Gives an identity a slot; the same one when it already has one. An identity that
   * comes back while its old slot is on its way out gets a new slot.
   *
   * @returns `undefined` when no slot is left; the identity then falls back by scope.
   */
  add(identity: number): number | undefined {
    const known = this.get(identity);
    if (known !== undefined) return known;
    const slot = this.#free.pop() ?? (this.#next < this.#limit ? this.#next++ : undefined);
    if (slot === undefined) {
      this.#refused++;
      return undefined;
    }
    this.#byIdentity.set(identity, slot);
    this.#phases.set(slot, "used");
    return slot;
  }

  /**
   * First phase of a removal: the identity has no slot any more.
   *
   * @returns the slot to clear, `undefined` when there is none.
   */
  retire(identity: number): number | undefined {
    const slot = this.#byIdentity.get(identity);
    if (slot === undefined) return undefined;
    this.#byIdentity.delete(identity);
    this.#phases.set(slot, "retired");
    return slot;
  }

  /**
   * Second phase: a grace period has passed and the slot's cells are cleared.
   *
   * @throws {TypeError} when the slot is not retired.
   */
  clear(slot: number): void {
    this.#move(slot, "retired");
    this.#phases.set(slot, "cleared");
  }

  /**
   * Last phase: another grace period has passed, the slot may be given out again.
   *
   * @throws {TypeError} when the slot is not cleared.
   */
  reuse(slot: number): void {
    this.#move(slot, "cleared");
    this.#phases.delete(slot);
    this.#free.push(slot);
  }

  #move(slot: number, from: SlotPhase): void {
    const phase = this.phaseOf(slot);
    if (phase === from) return;
    throw new TypeError(`Cannot free slot "${slot}": ${phase ?? "free"}, expected ${from}`);
  }
}

function isReserved(identity: number): boolean {
  return identity > 0 && identity < FIRST_DYNAMIC_SLOT;
}
