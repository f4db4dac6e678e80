import {
  type Direction,
  type IndexedMapState,
  lastPortOf,
  type MapStateEntry,
  PORT_BITS,
  PROTOCOL,
} from "../policy/map_state.ts";
import { CILIUM_1_19, type VersionProfile } from "../policy/version_profile.ts";

/** What a policy says of one peer in one direction. */
export interface PeerEntries {
  /** Entries of the peer itself. */
  readonly own: readonly MapStateEntry[];
  /** Entries for every peer. */
  readonly broad: readonly MapStateEntry[];
  /**
   * At most one entry matches any flow and none asks for authentication: cookie and verdict
   * of a lookup say everything.
   */
  readonly single: boolean;
}

const NONE: readonly MapStateEntry[] = [];

/** The entries of one policy by direction and peer, to name the rules behind an answer. */
export class PolicyIndex {
  readonly #mapState: IndexedMapState;
  readonly #profile: VersionProfile;
  readonly #peers = {
    ingress: new Map<number, PeerEntries>(),
    egress: new Map<number, PeerEntries>(),
  };

  constructor(mapState: IndexedMapState, profile: VersionProfile = CILIUM_1_19) {
    this.#mapState = mapState;
    this.#profile = profile;
  }

  /** The entries that have a say in flows with a peer. */
  peer(direction: Direction, identity: number): PeerEntries {
    let peer = this.#peers[direction].get(identity);
    if (peer === undefined) {
      this.#peers[direction].set(identity, peer = this.#peer(direction, identity));
    }
    return peer;
  }

  #peer(direction: Direction, identity: number): PeerEntries {
    const broadIdentity = this.#profile.broadOf(identity, direction);
    const run = (id: number) =>
      this.#mapState.entriesOf(id).filter((entry) => entry.direction === direction);
    const own = identity === broadIdentity ? NONE : run(identity);
    if (own.length === 0 && identity !== broadIdentity) return this.peer(direction, broadIdentity);
    const broad = run(broadIdentity);
    const single = (own.length === 0 || broad.length === 0) &&
      isDisjoint(own) && isDisjoint(broad) && ![...own, ...broad].some(({ authType }) => authType);
    return { own, broad, single };
  }
}

/**
 * Collects the entries that decide a flow: those that match with the winning precedence.
 * That is the highest one among all that match, because map states are canonical; the walk
 * needs no second opinion on which entry wins.
 *
 * @param into Emptied, then filled. One array serves millions of questions.
 */
export function collectDeciding(
  { own, broad }: PeerEntries,
  protocol: number,
  port: number,
  into: MapStateEntry[],
): void {
  into.length = 0;
  collectFrom(broad, protocol, port, into);
  collectFrom(own, protocol, port, into);
}

function collectFrom(
  entries: readonly MapStateEntry[],
  protocol: number,
  port: number,
  into: MapStateEntry[],
): void {
  for (const entry of entries) {
    if (entry.protocol !== PROTOCOL.ANY) {
      if (entry.protocol > protocol) return; // entries are sorted
      if (entry.protocol !== protocol) continue;
      if (entry.port > port) return;
      if (entry.portPrefix < PORT_BITS ? lastPortOf(entry) < port : entry.port !== port) continue;
    }
    const best = into[0]?.precedence ?? -1;
    if (entry.precedence < best) continue;
    if (entry.precedence > best) into.length = 0;
    into.push(entry);
  }
}

/** Sorted entries, one of which covers another, stand side by side. */
function isDisjoint(entries: readonly MapStateEntry[]): boolean {
  for (let i = 1; i < entries.length; i++) {
    const [a, b] = [entries[i - 1], entries[i]];
    if (a === undefined || b === undefined) continue;
    if (a.protocol === PROTOCOL.ANY) return false;
    if (a.protocol === b.protocol && b.port <= lastPortOf(a)) return false;
  }
  return true;
}
