import fc from "fast-check";
import {
  compareEntries,
  type Direction,
  lastPortOf,
  type MapState,
  type MapStateEntry,
  PORT_BITS,
} from "../../src/policy/map_state.ts";

/** The seed of this run; set TWINPATH_SEED to repeat one. */
export const SEED = Number(Deno.env.get("TWINPATH_SEED") ?? Date.now() % 0x7fffffff);

/** Parameters for `fc.assert`; prints the seed. */
export function seeded(numRuns: number): { seed: number; numRuns: number } {
  console.log(`seed ${SEED}`);
  return { seed: SEED, numRuns };
}

/** The last key of an image: protocol 255, port 65535. */
export const LAST_KEY = 0xFFFFFF;

/** An entry with everything but its key at a default. */
export function entry(fields: Partial<MapStateEntry>): MapStateEntry {
  return {
    identity: 0,
    direction: "ingress",
    protocol: 0,
    port: 0,
    portPrefix: 0,
    verdict: "allow",
    precedence: 1,
    cookie: 0,
    authType: 0,
    ...fields,
  };
}

/** Sorts entries, and keeps the first of those with one key. */
export function canonical(entries: readonly MapStateEntry[]): MapState {
  const sorted = [...entries].sort(compareEntries);
  return { entries: sorted.filter((e, i) => i === 0 || compareEntries(sorted[i - 1]!, e) !== 0) };
}

/** Gives every entry a cookie of its own, so that a verdict tells which one decided. */
export function withOwnCookies({ entries }: MapState): MapState {
  return { entries: entries.map((e, i) => ({ ...e, cookie: i + 1 })) };
}

/** Entries of single ports with gaps between them: 2 × count + 1 ranges. */
export function isolatedPorts(
  count: number,
  fields: (port: number) => Partial<MapStateEntry>,
): MapStateEntry[] {
  return Array.from({ length: count }, (_, i) => {
    const port = 2 * i + 1;
    return entry({ protocol: 6, port, portPrefix: PORT_BITS, ...fields(port) });
  });
}

/** Keys at which an answer may change: both sides of every boundary. */
export function boundaryKeys({ entries }: MapState): number[] {
  const keys = new Set([0, 1, LAST_KEY - 1, LAST_KEY, 6 << 16, 7 << 16, 17 << 16 | 53]);
  for (const e of entries) {
    if (e.protocol === 0) continue;
    const first = e.protocol << 16 | e.port;
    const last = e.protocol << 16 | lastPortOf(e);
    for (const key of [first - 1, first, first + 1, last - 1, last, last + 1]) {
      keys.add(Math.min(Math.max(key, 0), LAST_KEY));
    }
  }
  return [...keys];
}

/** Identities of random map states; each has a slot, the last one none of its own entries. */
export const IDENTITIES = [1, 300, 301, 65536, 16777217] as const;
/** An identity that no map state names. */
export const STRANGER = 4711;

const PORTS = [0, 1, 53, 80, 81, 443, 1023, 1024, 8080, 8095, 32767, 32768, 65534, 65535] as const;

const randomKey = fc.record({
  identity: fc.constantFrom(0, 0, ...IDENTITIES),
  direction: fc.constantFrom<Direction>("ingress", "egress"),
  protocol: fc.constantFrom(0, 6, 6, 17, 132, 255),
  portPrefix: fc.constantFrom(0, 1, 4, 8, 12, 15, 16, 16, 16),
  port: fc.oneof(fc.constantFrom(...PORTS), fc.nat(0xFFFF)),
});

/** Random entries, alike often enough that ranges merge and profiles are shared. */
const randomEntry = fc.record({
  key: randomKey,
  verdict: fc.constantFrom("allow" as const, "allow" as const, "deny" as const),
  precedence: fc.constantFrom(1, 2, 0xFFFFFFFF),
  cookie: fc.constantFrom(0, 1, 2),
  authType: fc.constantFrom(0, 0, 1),
}).map(({ key, ...rest }) => {
  const portPrefix = key.protocol === 0 ? 0 : key.portPrefix;
  const port = portPrefix === 0 ? 0 : key.port & ~(0xFFFF >> portPrefix);
  return entry({ ...key, ...rest, port, portPrefix });
});

/** Random canonical map states. */
export const randomMapState = (maxLength: number): fc.Arbitrary<MapState> =>
  fc.array(randomEntry, { maxLength }).map(canonical);
