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
    return this.#added ??= this.#changes().flatMap(({ direction, identity, changes }) =>
      changes.added.map((entry) => entryOf(entry, identity, direction))
    );
  }

  get removed(): readonly MapStateKey[] {
    return this.#removed ??= this.#changes().flatMap(({ direction, identity, changes }) =>
      changes.removed.map(({ protocol, port, portPrefix }): MapStateKey => ({
        identity,
        direction,
        protocol,
        port,
        portPrefix,
      }))
    );
  }

  #changes() {
    return DIRECTIONS.flatMap((direction) =>
      this.#changed[direction].map((identity) => ({
        direction,
        identity,
        changes: compareProfiles(
          this.#before[direction].get(identity),
          this.#after[direction].get(identity),
        ),
      }))
    );
  }
}

/** Of ascending numbers, ascending. */
function union(a: readonly number[], b: readonly number[]): readonly number[] {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  return [...new Set([...a, ...b])].sort((x, y) => x - y);
}
