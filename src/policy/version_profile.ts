import type { Direction } from "./map_state.ts";

/** What differs between versions of Cilium, in one place. */
export interface VersionProfile {
  readonly name: string;
  /** Returns the identity whose entries hold for every peer: the second lookup. */
  broadOf(identity: number, direction: Direction): number;
}

/** Cilium 1.19: the wildcard identity 0 is the second lookup for every peer. */
export const CILIUM_1_19: VersionProfile = { name: "1.19", broadOf: () => 0 };
