import type { IpAddress } from "../cluster/ip_address.ts";

/**
 * Who says what an address is, the more reliable first: the node table, the pods, and what
 * is known of addresses outside (blocks that rules name, DNS answers). Cilium orders its
 * sources in the same way (pkg/source: local and API server before custom resources,
 * `generated` last).
 */
export const ADDRESS_SOURCES = ["node", "pod", "world"] as const;

/** One of {@linkcode ADDRESS_SOURCES}. */
export type AddressSource = typeof ADDRESS_SOURCES[number];

/** One line of the IP cache. */
export interface IpcacheEntry {
  /** Of a block: its first address. */
  readonly address: IpAddress;
  /** Length of a block's prefix in bits; absent for a single address. */
  readonly prefixLength?: number;
  /** Identity behind the address. */
  readonly identity: number;
  /** Who has the address: `namespace/pod`, `node/name`, `world/10.0.0.0/8`. */
  readonly owner: string;
  readonly source: AddressSource;
}

/**
 * The IP cache: address or block → identity. The longest prefix that holds an address
 * counts.
 *
 * Several may claim one address: the best source has it, and of one source the first
 * claim holds until it is given up, then the next one in line does. Two pods with one
 * address are a mistake (a pod that is going and one that is coming, or a lie), which
 * {@linkcode conflicts} tells.
 */
export class Ipcache {
  /** The holder alone, or all claims in the order in which they came up. */
  readonly #claims = new Map<string, IpcacheEntry | readonly IpcacheEntry[]>();
  readonly #contested = new Set<string>();
  #changed = new Set<string>();

  /** The entries that hold, in the order in which their addresses came up. */
  *entries(): Generator<IpcacheEntry> {
    for (const key of this.#claims.keys()) {
      const holder = this.holderOf(key);
      if (holder !== undefined) yield holder;
    }
  }

  /** Returns the entry that holds for exactly this address. */
  get(address: IpAddress): IpcacheEntry | undefined {
    return this.holderOf(address.text);
  }

  /** Returns the entry that holds for an address or block, by its text. */
  holderOf(key: string): IpcacheEntry | undefined {
    const claims = this.#claims.get(key);
    if (claims === undefined || !("length" in claims)) return claims;
    return claims.reduce((best, claim) => rankOf(claim) < rankOf(best) ? claim : best);
  }

  /** Returns the claims that do not hold, for the operator to see. */
  *conflicts(): Generator<{ entry: IpcacheEntry; holder: IpcacheEntry }> {
    for (const key of this.#contested) {
      const claims = this.#claims.get(key);
      const holder = this.holderOf(key);
      if (claims === undefined || holder === undefined || !("length" in claims)) continue;
      for (const entry of claims) if (entry !== holder) yield { entry, holder };
    }
  }

  /** Returns the addresses and blocks whose entry may have changed, and starts over. */
  takeChanged(): ReadonlySet<string> {
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  }

  /** Adds a claim, or changes the identity of the owner's claim in place. */
  upsert(entry: IpcacheEntry): void {
    const key = keyOf(entry);
    const known = this.#claims.get(key);
    // Nearly every address is claimed once.
    if (known === undefined || (!("length" in known) && known.owner === entry.owner)) {
      this.#changed.add(key);
      this.#claims.set(key, entry);
      return;
    }
    const claims = this.#claimsOf(key);
    const at = claims.findIndex((claim) => claim.owner === entry.owner);
    this.#set(key, at < 0 ? [...claims, entry] : claims.with(at, entry));
  }

  /** Gives the owner's claim up; does nothing when there is none. */
  delete(address: IpAddress, owner: string, prefixLength?: number): void {
    const key = keyOf({ address, ...(prefixLength === undefined ? {} : { prefixLength }) });
    const claims = this.#claimsOf(key);
    const rest = claims.filter((claim) => claim.owner !== owner);
    if (rest.length < claims.length) this.#set(key, rest);
  }

  #claimsOf(key: string): readonly IpcacheEntry[] {
    const claims = this.#claims.get(key);
    if (claims === undefined) return [];
    return "length" in claims ? claims : [claims];
  }

  #set(key: string, claims: readonly IpcacheEntry[]): void {
    this.#changed.add(key);
    const [only] = claims;
    if (only === undefined) this.#claims.delete(key);
    else this.#claims.set(key, claims.length === 1 ? only : claims);
    if (claims.length > 1) this.#contested.add(key);
    else this.#contested.delete(key);
  }
}

/** Returns the text of an address or block: equal for those that compete for one line. */
function keyOf({ address, prefixLength }: Pick<IpcacheEntry, "address" | "prefixLength">): string {
  const whole = address.family === 4 ? 32 : 128;
  return prefixLength === undefined || prefixLength === whole
    ? address.text
    : `${address.text}/${prefixLength}`;
}

function rankOf({ source }: IpcacheEntry): number {
  return ADDRESS_SOURCES.indexOf(source);
}
