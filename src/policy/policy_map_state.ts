import {
  type Direction,
  type IndexedMapState,
  type MapStateDelta,
  type MapStateEntry,
  type MapStateKey,
} from "./map_state.ts";
import {
  compareProfiles,
  entriesOf,
  entryOf,
  type PeerProfile,
  type ProfileChanges,
} from "./peer_profile.ts";
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
    const ingress = entriesOf(this.#peers.ingress.get(identity), identity, "ingress");
    const egress = entriesOf(this.#peers.egress.get(identity), identity, "egress");
    if (egress.length === 0) return ingress;
    return ingress.length === 0 ? egress : [...ingress, ...egress];
  }
}

/** Peers whose entries changed, ascending. */
export type ChangedPeers = Readonly<Record<"ingress" | "egress", readonly number[]>>;

/** What makes one version of a policy's entries the next; written out when it is asked for. */
export class PolicyDelta implements MapStateDelta {
  readonly #before: PolicyPeers;
  readonly #after: PolicyPeers;
  readonly #changed: ChangedPeers;
  #identities: readonly number[] | undefined;
  #added: readonly MapStateEntry[] | undefined;
  #removed: readonly MapStateKey[] | undefined;

  /** @param changed The peers whose entries differ. */
  constructor(before: PolicyPeers, after: PolicyPeers, changed: ChangedPeers) {
    this.#before = before;
    this.#after = after;
    this.#changed = changed;
  }

  get identities(): readonly number[] {
    return this.#identities ??= union(this.#changed.ingress, this.#changed.egress);
  }

  // Directions, peers and the entries of each are in canonical order already.

  get added(): readonly MapStateEntry[] {
    if (this.#added !== undefined) return this.#added;
    const added: MapStateEntry[] = [];
    this.#compare((changes, identity, direction) => {
      for (const entry of changes.added) added.push(entryOf(entry, identity, direction));
    });
    return this.#added = added;
  }

  get removed(): readonly MapStateKey[] {
    if (this.#removed !== undefined) return this.#removed;
    const removed: MapStateKey[] = [];
    this.#compare((changes, identity, direction) => {
      for (const { protocol, port, portPrefix } of changes.removed) {
        removed.push({ identity, direction, protocol, port, portPrefix });
      }
    });
    return this.#removed = removed;
  }

  #compare(
    take: (changes: ProfileChanges, identity: number, direction: Direction) => void,
  ): void {
    for (const direction of DIRECTIONS) {
      const [before, after] = [this.#before[direction], this.#after[direction]];
      for (const identity of this.#changed[direction]) {
        take(compareProfiles(before.get(identity), after.get(identity)), identity, direction);
      }
    }
  }
}

/** Of ascending numbers, ascending. */
function union(a: readonly number[], b: readonly number[]): readonly number[] {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  return [...new Set([...a, ...b])].sort((x, y) => x - y);
}
