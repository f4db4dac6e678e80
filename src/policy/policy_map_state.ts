import {
  type IndexedMapState,
  type MapStateDelta,
  type MapStateEntry,
  type MapStateKey,
} from "./map_state.ts";
import { compareProfiles, entriesOf, entryOf, type PeerProfile } from "./peer_profile.ts";
import type { PersistentMap } from "./persistent_map.ts";

/** Entries of one policy by direction and peer. */
export interface PolicyPeers {
  readonly ingress: PersistentMap<PeerProfile>;
  readonly egress: PersistentMap<PeerProfile>;
}

const DIRECTIONS = ["ingress", "egress"] as const;

/** A map state that is written out only when somebody asks for all of it. */
export class PolicyMapState implements IndexedMapState {
  readonly #peers: PolicyPeers;
  #entries: readonly MapStateEntry[] | undefined;

  constructor(peers: PolicyPeers) {
    this.#peers = peers;
  }

  get entries(): readonly MapStateEntry[] {
    return this.#entries ??= DIRECTIONS.flatMap((direction) =>
      [...this.#peers[direction].entries()].flatMap(([identity, profile]) =>
        entriesOf(profile, identity, direction)
      )
    );
  }

  entriesOf(identity: number): readonly MapStateEntry[] {
    return DIRECTIONS.flatMap((direction) =>
      entriesOf(this.#peers[direction].get(identity), identity, direction)
    );
  }
}

/**
 * Returns what makes one version of a policy's entries the next.
 *
 * @param changed The peers to look at, ascending.
 */
export function deltaOf(
  before: PolicyPeers,
  after: PolicyPeers,
  changed: Readonly<Record<"ingress" | "egress", readonly number[]>>,
): MapStateDelta {
  const added: MapStateEntry[] = [];
  const removed: MapStateKey[] = [];
  const identities = new Set<number>();
  // Directions, peers and the entries of each are in canonical order already.
  for (const direction of DIRECTIONS) {
    for (const identity of changed[direction]) {
      const changes = compareProfiles(
        before[direction].get(identity),
        after[direction].get(identity),
      );
      for (const entry of changes.added) added.push(entryOf(entry, identity, direction));
      for (const { protocol, port, portPrefix } of changes.removed) {
        removed.push({ identity, direction, protocol, port, portPrefix });
      }
      if (changes.added.length > 0 || changes.removed.length > 0) identities.add(identity);
    }
  }
  return { added, removed, identities: [...identities].sort((a, b) => a - b) };
}
