import type { IndexedMapState, MapStateDelta, MapStateEntry } from "../policy/map_state.ts";
import type { DatapathMemory } from "./datapath_memory.ts";
import type { LineSpan, PolicyImage } from "./image_builder.ts";
import { ImageFullError } from "./image_error.ts";
import { IDENTITY_WILDCARD } from "./layout.ts";

/** A policy after a change, and the change. */
export interface PolicyUpdate {
  readonly number: number;
  readonly revision: number;
  readonly mapState: IndexedMapState;
  readonly delta: MapStateDelta;
}

/** What an update did to the image of its policy. */
export type ImageUpdate =
  /** The image in force took the change; a copy of it takes over these lines, in this order. */
  | { readonly kind: "changed"; readonly image: PolicyImage; readonly spans: readonly LineSpan[] }
  /** A new image is in force; `before` is to be freed when no datapath reads it. */
  | {
    readonly kind: "rebuilt";
    readonly image: PolicyImage;
    readonly before: PolicyImage | undefined;
  }
  /** The policy exceeds a limit: an image that denies everything is in force. */
  | {
    readonly kind: "locked";
    readonly image: PolicyImage;
    readonly before: PolicyImage | undefined;
    /** The limit, for the operator to see. */
    readonly problem: RangeError;
  };

/** What becomes of a policy that exceeds a limit. */
export type OverflowAction =
  /** What was in force stays, and the caller gets the error: flows are judged as they were. */
  | "error"
  /** Everything is denied until the policy fits again: nothing is open that may be closed now. */
  | "lockdown";

/** Options for {@linkcode updateImage}. */
export interface UpdateImageOptions {
  /** @default "error" */
  overflow?: OverflowAction;
}

const EMPTY: IndexedMapState = { entries: [], entriesOf: () => [] };

/** Images that deny everything in place of a policy that does not fit. */
const locked = new WeakSet<PolicyImage>();

/**
 * Brings the image of a policy up to date, in place where only peers came, changed or went: their
 * new profiles are appended and their cells point there. What changes the entries for every peer,
 * or does not fit, gets a new image, which one store puts in force.
 *
 * An image that changes in place keeps its revision.
 *
 * @throws {RangeError} If a limit is exceeded; the image of before stays in force. With
 *   `overflow: "lockdown"` only if there is no room for an image that denies everything either.
 */
export function updateImage(
  memory: DatapathMemory,
  update: PolicyUpdate,
  { overflow = "error" }: UpdateImageOptions = {},
): ImageUpdate {
  try {
    return change(memory, update);
  } catch (error) {
    if (overflow === "error" || !(error instanceof RangeError)) throw error;
    return lockDown(memory, update, error);
  }
}

function change(memory: DatapathMemory, update: PolicyUpdate): ImageUpdate {
  const image = memory.images.get(update.number);
  // Nothing of the policy is in an image that denies everything.
  const inPlace = image !== undefined && !locked.has(image) &&
    !update.delta.identities.includes(IDENTITY_WILDCARD) && !losesOneDirection(update);
  if (!inPlace) return rebuild(memory, update);
  try {
    return { kind: "changed", image, spans: changeInPlace(memory, image, update) };
  } catch (error) {
    if (!(error instanceof ImageFullError)) throw error;
    return rebuild(memory, update);
  }
}

/** Adds before it takes away, as every change of a policy must. */
function changeInPlace(
  memory: DatapathMemory,
  image: PolicyImage,
  { delta, mapState }: PolicyUpdate,
): LineSpan[] {
  const { builder, slotOf } = memory;
  // The builder's order: all ingress entries first. Peers are in order already.
  const ingress: MapStateEntry[] = [];
  const egress: MapStateEntry[] = [];
  const gone: number[] = [];
  for (const id of delta.identities) {
    const entries = mapState.entriesOf(id);
    if (entries.length === 0) gone.push(id);
    for (const entry of entries) (entry.direction === "ingress" ? ingress : egress).push(entry);
  }
  const entries = egress.length === 0 ? ingress : [...ingress, ...egress];
  const spans = entries.length > 0 ? builder.extend(image, entries, slotOf) : [];
  for (const id of gone) spans.push(...builder.clearSlot(image, slotOf(id)));
  return spans;
}

/** A cell is written for the directions in which a peer has entries; one that is left is not. */
function losesOneDirection({ delta, mapState }: PolicyUpdate): boolean {
  return delta.removed.some(({ identity, direction }) => {
    const left = mapState.entriesOf(identity);
    return left.length > 0 && !left.some((entry) => entry.direction === direction);
  });
}

function rebuild(memory: DatapathMemory, policy: PolicyUpdate): ImageUpdate {
  const image = memory.buildImage(policy);
  return { kind: "rebuilt", image, before: memory.publish(image) };
}

function lockDown(memory: DatapathMemory, update: PolicyUpdate, problem: RangeError): ImageUpdate {
  const image = memory.buildImage({ ...update, mapState: EMPTY });
  locked.add(image);
  return { kind: "locked", image, before: memory.publish(image), problem };
}
