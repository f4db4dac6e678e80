import {
  compareEntries,
  coversPorts,
  type Direction,
  type MapState,
  type MapStateEntry,
  PORT_BITS,
  PROTOCOL,
} from "../policy/map_state.ts";
import type { Random } from "../verify/random.ts";

/** What the entries of a random map state may name. */
export interface MapStateChoices {
  /** Peers; the broad identity 0 is always among the choices. */
  readonly identities: readonly number[];
  /** Host byte order. */
  readonly ports: readonly number[];
  /** Ids of redirects, whether or not a proxy listens. */
  readonly redirects: readonly number[];
}

const DIRECTIONS: readonly Direction[] = ["ingress", "egress"];
const PROTOCOLS = [
  PROTOCOL.TCP,
  PROTOCOL.TCP,
  PROTOCOL.UDP,
  PROTOCOL.SCTP,
  PROTOCOL.ICMP,
  PROTOCOL.ICMPV6,
  PROTOCOL.ANY,
  47,
] as const;
/** Few of them, so that peer and broad entries often tie. */
const PRECEDENCES = [1, 2, 2, 255, 0x0100_0001, 0xffff_ffff] as const;

/** Entries of one peer and direction: mostly few, sometimes enough for an indexed profile. */
const SIZES = [0, 1, 1, 2, 3, 3, 5, 5, 8, 8, 15, 15, 40, 40, 40, 150, 300] as const;
/** So many are for ports of their own, which makes a profile of more than 256 ranges. */
const MANY = 150;

/** A map state without a meaning, canonical as `MapState` demands. */
export function randomMapState(random: Random, choices: MapStateChoices): MapState {
  const entries: MapStateEntry[] = [];
  for (const direction of DIRECTIONS) {
    for (const identity of [0, ...choices.identities]) {
      if (identity !== 0 && random.below(3) === 0) continue;
      entries.push(...entriesOf(random, direction, identity, choices));
    }
  }
  return { entries: entries.sort(compareEntries) };
}

function entriesOf(
  random: Random,
  direction: Direction,
  identity: number,
  choices: MapStateChoices,
): MapStateEntry[] {
  const byKey = new Map<string, MapStateEntry>();
  const wanted = random.pick(SIZES);
  for (let i = 0; i < wanted; i++) {
    const some = randomEntry(random, direction, identity, choices);
    const entry = wanted < MANY ? some : withOwnPort(random, some);
    byKey.set(`${entry.protocol} ${entry.port} ${entry.portPrefix}`, entry);
  }
  const all = [...byKey.values()];
  return all.filter((entry) =>
    !all.some((other) =>
      other !== entry && coversPorts(other, entry) && other.precedence > entry.precedence
    )
  );
}

function randomEntry(
  random: Random,
  direction: Direction,
  identity: number,
  { ports, redirects }: MapStateChoices,
): MapStateEntry {
  const protocol = random.pick(PROTOCOLS);
  const verdict = random.pick(["allow", "allow", "allow", "deny", "redirect"] as const);
  const portPrefix = prefixOf(random, protocol);
  const host = 2 ** (PORT_BITS - portPrefix) - 1;
  return {
    identity,
    direction,
    protocol,
    port: portPrefix === 0 ? 0 : random.pick(ports) & ~host,
    portPrefix,
    verdict,
    precedence: random.pick(PRECEDENCES),
    cookie: random.below(0x1000000),
    authType: random.below(24) === 0 ? 1 : 0,
    ...(verdict === "redirect" ? { redirect: random.pick(redirects) } : {}),
  };
}

function withOwnPort(random: Random, entry: MapStateEntry): MapStateEntry {
  if (entry.protocol === PROTOCOL.ANY) return entry;
  return { ...entry, port: random.below(0x10000), portPrefix: PORT_BITS };
}

function prefixOf(random: Random, protocol: number): number {
  if (protocol === PROTOCOL.ANY) return 0;
  return random.pick([0, 16, 16, 16, 16, 12, 9, 1 + random.below(PORT_BITS)]);
}
