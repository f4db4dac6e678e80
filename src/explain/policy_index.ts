import { RESERVED } from "../identity/reserved.ts";
import {
  type Direction,
  lastPortOf,
  type MapStateEntry,
  PORT_BITS,
  PROTOCOL,
} from "../policy/map_state.ts";
import type { SideAnswer } from "./answer.ts";
import { CILIUM_1_19, type VersionProfile } from "../policy/version_profile.ts";

/** A side's answer, and what the datapath said when it was given. */
export interface GivenAnswer {
  readonly side: SideAnswer;
  readonly verdict: number;
  readonly cookie: number;
}

/** What a policy says of peers in one direction; peers with equal entries share it. */
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
  /** Answers that were given already, by protocol << 16 | port. */
  readonly given: Map<number, GivenAnswer>;
}

const NONE: readonly MapStateEntry[] = [];

/**
 * The entries of one policy by direction and peer, to name the rules behind an answer.
 *
 * Made by one walk over all entries, as the policy's image is: millions of questions meet
 * each peer of a policy a few times only, and a search for each would take longer.
 */
export class PolicyIndex {
  readonly #profile: VersionProfile;
  readonly #peers: Readonly<Record<Direction, ReadonlyMap<number, PeerEntries>>>;
  /** {@linkcode PeerEntries.single} holds for every peer. */
  readonly single: Readonly<Record<Direction, boolean>>;
  /** For peers without entries of their own. */
  readonly #nobody: Readonly<Record<Direction, PeerEntries>>;

  /** @param entries In canonical order, as in a map state. */
  constructor(entries: Iterable<MapStateEntry>, profile: VersionProfile = CILIUM_1_19) {
    this.#profile = profile;
    const runs = runsOf(entries);
    const broadOf = (direction: Direction, identity: number) =>
      runs[direction].get(profile.broadOf(identity, direction)) ?? NONE;
    const peersOf = (direction: Direction) => {
      const shared = new Map<string, PeerEntries>();
      return new Map([...runs[direction]].map(([identity, own]) => {
        const broad = profile.broadOf(identity, direction);
        const text = `${broad} ${textOf(own)}`;
        let peer = shared.get(text);
        if (peer === undefined) shared.set(text, peer = peerOf(own, broadOf(direction, identity)));
        return [identity, peer];
      }));
    };
    this.#peers = { ingress: peersOf("ingress"), egress: peersOf("egress") };
    this.#nobody = {
      ingress: peerOf(NONE, broadOf("ingress", RESERVED.UNKNOWN)),
      egress: peerOf(NONE, broadOf("egress", RESERVED.UNKNOWN)),
    };
    const isSingle = (direction: Direction) =>
      this.#nobody[direction].single &&
      [...this.#peers[direction]].every(([identity, peer]) =>
        peer.single || identity === profile.broadOf(identity, direction)
      );
    this.single = { ingress: isSingle("ingress"), egress: isSingle("egress") };
  }

  /** The entries that have a say in flows with a peer. */
  peer(direction: Direction, identity: number): PeerEntries {
    if (identity === this.#profile.broadOf(identity, direction)) return this.#nobody[direction];
    return this.#peers[direction].get(identity) ?? this.#nobody[direction];
  }
}

function peerOf(own: readonly MapStateEntry[], broad: readonly MapStateEntry[]): PeerEntries {
  const single = (own.length === 0 || broad.length === 0) &&
    isDisjoint(own) && isDisjoint(broad) && !own.some(asksForAuth) && !broad.some(asksForAuth);
  return { own, broad, single, given: new Map() };
}

/** Equal for runs whose entries are equal but for the peer, and for no others. */
function textOf(run: readonly MapStateEntry[]): string {
  let text = "";
  for (const entry of run) {
    const { protocol, port, portPrefix, verdict, precedence, cookie, authType, redirect } = entry;
    text += `${protocol} ${port} ${portPrefix} ${verdict} ${precedence} ${cookie} ` +
      `${authType} ${redirect};`;
  }
  return text;
}

function asksForAuth({ authType }: MapStateEntry): boolean {
  return authType > 0;
}

/** Entries are sorted by direction and identity: each identity has a run of them. */
function runsOf(entries: Iterable<MapStateEntry>) {
  const runs = {
    ingress: new Map<number, MapStateEntry[]>(),
    egress: new Map<number, MapStateEntry[]>(),
  };
  let run: MapStateEntry[] = [];
  let last: MapStateEntry | undefined;
  for (const entry of entries) {
    const { direction, identity } = entry;
    if (identity !== last?.identity || direction !== last.direction) {
      runs[direction].set(identity, run = []);
    }
    run.push(last = entry);
  }
  return runs;
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
