import type { CookieTable } from "./cookie.ts";
import type { Direction, MapStateEntry, MapStateKey } from "./map_state.ts";
import type { RedirectTable } from "./redirect.ts";
import type { Decision } from "./resolve_peer.ts";

/** An entry of a map state without the peer and the direction. */
export type PeerEntry = Omit<MapStateEntry, "identity" | "direction">;

/** The entries that one or many peers have in a policy and direction. Immutable. */
export interface PeerProfile {
  /** In canonical order. */
  readonly entries: readonly PeerEntry[];
  /** Equal for profiles with equal entries, and for no others. */
  readonly text: string;
}

/** Numbers that entries refer to. */
export interface EntryTables {
  readonly cookies: CookieTable;
  readonly redirects: RedirectTable;
}

/** Numbers the rules and redirects of decisions. Matched by {@linkcode releaseProfile}. */
export function makeProfile(
  decisions: readonly Decision[],
  direction: Direction,
  { cookies, redirects }: EntryTables,
): PeerProfile {
  const entries = decisions.map((decision): PeerEntry => {
    const { key: { protocol, port, portPrefix }, redirect } = decision;
    const { verdict, precedence, authType } = decision;
    const cookie = cookies.intern(decision.origins);
    const base = { protocol, port, portPrefix, verdict, precedence, cookie, authType };
    if (redirect === undefined) return base;
    const { demands, open } = redirect;
    return { ...base, redirect: redirects.intern(direction, demands, open) };
  });
  return { entries, text: entries.map(textOf).join("\n") };
}

/** Gives back what a profile refers to. */
export function releaseProfile(profile: PeerProfile, { cookies, redirects }: EntryTables): void {
  for (const { cookie, redirect } of profile.entries) {
    cookies.release(cookie);
    if (redirect !== undefined) redirects.release(redirect);
  }
}

/** Returns a profile's entries as one peer's. */
export function entriesOf(
  profile: PeerProfile | undefined,
  identity: number,
  direction: Direction,
): MapStateEntry[] {
  return profile?.entries.map((entry) => entryOf(entry, identity, direction)) ?? [];
}

/** Returns an entry as one peer's. Written out field by field, as it is made by the thousand. */
export function entryOf(
  entry: PeerEntry,
  identity: number,
  direction: Direction,
): MapStateEntry {
  const base = {
    identity,
    direction,
    protocol: entry.protocol,
    port: entry.port,
    portPrefix: entry.portPrefix,
    verdict: entry.verdict,
    precedence: entry.precedence,
    cookie: entry.cookie,
    authType: entry.authType,
  };
  return entry.redirect === undefined ? base : { ...base, redirect: entry.redirect };
}

/** Entries that one profile has and another has not, and those whose keys only the other has. */
export interface ProfileChanges {
  readonly added: readonly PeerEntry[];
  readonly removed: readonly PeerEntry[];
}

/** Tells what makes a profile the next. */
export function compareProfiles(
  before: PeerProfile | undefined,
  after: PeerProfile | undefined,
): ProfileChanges {
  if (before === undefined) return { added: after?.entries ?? [], removed: [] };
  if (after === undefined) return { added: [], removed: before.entries };
  if (before === after || before.text === after.text) return { added: [], removed: [] };
  const old = new Map(before.entries.map((entry) => [keyOf(entry), textOf(entry)]));
  const kept = new Set(after.entries.map(keyOf));
  return {
    added: after.entries.filter((entry) => old.get(keyOf(entry)) !== textOf(entry)),
    removed: before.entries.filter((entry) => !kept.has(keyOf(entry))),
  };
}

type PortPart = Pick<MapStateKey, "protocol" | "port" | "portPrefix">;

function keyOf({ protocol, port, portPrefix }: PortPart): number {
  return (protocol * 0x10000 + port) * 32 + portPrefix;
}

function textOf(entry: PeerEntry): string {
  const { verdict, precedence, cookie, authType, redirect = 0 } = entry;
  return `${keyOf(entry)} ${verdict} ${precedence} ${cookie} ${authType} ${redirect}`;
}
