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
  return profile?.entries.map((entry) => ({ identity, direction, ...entry })) ?? [];
}

/** Entries that one profile has and another has not, and keys that only the other has. */
export function compareProfiles(
  before: PeerProfile | undefined,
  after: PeerProfile | undefined,
): { added: readonly PeerEntry[]; removed: readonly PeerEntry[] } {
  const old = new Map(before?.entries.map((entry) => [keyOf(entry), textOf(entry)]));
  const kept = new Set<number>();
  const added = after?.entries.filter((entry) => {
    kept.add(keyOf(entry));
    return old.get(keyOf(entry)) !== textOf(entry);
  });
  const removed = before?.entries.filter((entry) => !kept.has(keyOf(entry)));
  return { added: added ?? [], removed: removed ?? [] };
}

type PortPart = Pick<MapStateKey, "protocol" | "port" | "portPrefix">;

function keyOf({ protocol, port, portPrefix }: PortPart): number {
  return (protocol * 0x10000 + port) * 32 + portPrefix;
}

function textOf(entry: PeerEntry): string {
  const { verdict, precedence, cookie, authType, redirect = 0 } = entry;
  return `${keyOf(entry)} ${verdict} ${precedence} ${cookie} ${authType} ${redirect}`;
}
