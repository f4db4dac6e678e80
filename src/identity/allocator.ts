import type { Identity } from "./identity.ts";
import type { Labels } from "./label.ts";

/** An identity has come into being, or nothing refers to it any more. */
export interface IdentityEvent {
  readonly type: "added" | "deleted";
  readonly identity: Identity;
}

/**
 * Gives numbers to label sets, for one process or a whole cluster.
 *
 * Allocation and knowledge are separate: `allocate` says which number *this* caller's
 * labels have, the watch tells *everyone* which identities exist, wherever they were
 * allocated. A policy engine reacts to the watch alone.
 */
export interface IdentityAllocator {
  /**
   * Takes a reference on the identity of these labels, creating it if need be.
   *
   * @throws {RangeError} when every number is in use.
   * @throws the signal's reason, when it is aborted; then no reference is held.
   */
  allocate(labels: Labels, signal?: AbortSignal): Promise<Identity>;

  /**
   * Gives one reference back.
   *
   * @throws {TypeError} when the caller holds none.
   */
  release(identity: Identity, signal?: AbortSignal): Promise<void>;

  /**
   * Calls the listener with the identities that exist (as `added`) and then with every
   * change, in order for each identity. An implementation may deliver late, and may
   * repeat itself after a reconnect; listeners must accept duplicates.
   *
   * @returns a function that ends the watch.
   */
  watch(listener: (events: readonly IdentityEvent[]) => void): () => void;
}
