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
  #entries: Pick<MapStateDelta, "added" | "removed"> | undefined;

  /** @param changed The peers whose entries differ. */
  constructor(before: PolicyPeers, after: PolicyPeers, changed: ChangedPeers) {
    this.#before = before;
    this.#after = after;
    this.#changed = changed;
  }

  get identities(): readonly number[] {
    const { ingress, egress } = this.#changed;
    return [...new Set([...ingress, ...egress])].sort((a, b) => a - b);
  }

  get added(): readonly MapStateEntry[] {
    return (this.#entries ??= this.#compare()).added;
  }

  get removed(): readonly MapStateKey[] {
    return (this.#entries ??= this.#compare()).removed;
  }

  #compare(): Pick<MapStateDelta, "added" | "removed"> {
    const added: MapStateEntry[] = [];
    const removed: MapStateKey[] = [];
    // Directions, peers and the entries of each are in canonical order already.
    for (const direction of DIRECTIONS) {
      for (const identity of this.#changed[direction]) {
        const changes = compareProfiles(
          this.#before[direction].get(identity),
          this.#after[direction].get(identity),
        );
        for (const entry of changes.added) added.push(entryOf(entry, identity, direction));
        for (const { protocol, port, portPrefix } of changes.removed) {
          removed.push({ identity, direction, protocol, port, portPrefix });
        }
      }
    }
    return { added, removed };
  }
}
