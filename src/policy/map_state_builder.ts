import type { RuleOrigin } from "../cluster/rule.ts";
import type { CookieTable } from "./cookie.ts";
import {
  compareEntries,
  type Direction,
  type MapState,
  type MapStateEntry,
  type MapStateKey,
  PORT_BITS,
  PROTOCOL,
  type Verdict,
} from "./map_state.ts";
import { precedenceOf } from "./precedence.ts";

interface Draft {
  readonly key: MapStateKey;
  verdict: Verdict;
  precedence: number;
  origins: RuleOrigin[];
}

/**
 * Collects what rules ask for and makes it canonical (see `map_state.ts`): equal keys
 * are merged, the stronger verdict staying, and what a stronger entry of the same
 * identity covers is left out.
 */
export class MapStateBuilder {
  /** Drafts by direction and identity, then by (protocol, port, prefix). */
  readonly #drafts = new Map<string, Map<number, Draft>>();

  /** Adds one entry. The host bits of `key.port` below `key.portPrefix` must be zero. */
  add(key: MapStateKey, verdict: Verdict, origins: readonly RuleOrigin[], priority = 0): void {
    const precedence = precedenceOf(verdict, priority);
    const peer = this.#peer(key.identity, key.direction);
    const place = placeOf(key.protocol, key.port, key.portPrefix);
    const known = peer.get(place);
    if (known === undefined) {
      peer.set(place, { key, verdict, precedence, origins: [...origins] });
    } else if (known.precedence === precedence) {
      known.origins.push(...origins);
    } else if (known.precedence < precedence) {
      Object.assign(known, { verdict, precedence, origins: [...origins] });
    }
  }

  /** Returns the canonical map state. The builder may be used further. */
  build(cookies: CookieTable): MapState {
    const entries: MapStateEntry[] = [];
    for (const peer of this.#drafts.values()) {
      for (const draft of peer.values()) {
        if (isOverruled(peer, draft)) continue;
        const { key, verdict, precedence, origins } = draft;
        const cookie = cookies.intern(origins);
        entries.push({ ...key, verdict, precedence, cookie, authType: 0 });
      }
    }
    return { entries: entries.sort(compareEntries) };
  }

  #peer(identity: number, direction: Direction): Map<number, Draft> {
    const name = `${direction} ${identity}`;
    let peer = this.#drafts.get(name);
    if (peer === undefined) this.#drafts.set(name, peer = new Map());
    return peer;
  }
}

/** Tells whether a draft that covers this one is stronger: at most 17 places to look at. */
function isOverruled(peer: ReadonlyMap<number, Draft>, { key, precedence }: Draft): boolean {
  const stronger = (place: number) => (peer.get(place)?.precedence ?? 0) > precedence;
  if (key.protocol === PROTOCOL.ANY) return false;
  if (stronger(placeOf(PROTOCOL.ANY, 0, 0))) return true;
  for (let prefix = 0; prefix < key.portPrefix; prefix++) {
    const port = key.port & ~((1 << (PORT_BITS - prefix)) - 1);
    if (stronger(placeOf(key.protocol, port, prefix))) return true;
  }
  return false;
}

/** Packs protocol (8 bits), port (16) and prefix (5) into one number. */
function placeOf(protocol: number, port: number, portPrefix: number): number {
  return (protocol * 0x10000 + port) * 32 + portPrefix;
}
