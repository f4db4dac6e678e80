import type { IpAddress } from "../cluster/ip_address.ts";

/** One line of the IP cache. */
export interface IpcacheEntry {
  readonly address: IpAddress;
  /** Identity behind the address. */
  readonly identity: number;
  /** Who has the address: `namespace/pod`. */
  readonly owner: string;
}

/**
 * The IP cache: address → identity. Single addresses only; prefixes come with CIDR rules.
 *
 * Addresses are unique in a cluster, yet manifests may claim one twice (a pod that is
 * going and one that is coming, or a lie). The first claim holds until it is given up,
 * then the next one in line does.
 */
export class Ipcache {
  readonly #claims = new Map<string, IpcacheEntry[]>();

  /** The entries that hold, in the order in which their addresses came up. */
  *entries(): Generator<IpcacheEntry> {
    for (const [entry] of this.#claims.values()) if (entry !== undefined) yield entry;
  }

  /** Returns the entry that holds for an address. */
  get(address: IpAddress): IpcacheEntry | undefined {
    return this.#claims.get(address.text)?.[0];
  }

  /** Returns the claims that do not hold, for the operator to see. */
  *conflicts(): Generator<{ entry: IpcacheEntry; holder: IpcacheEntry }> {
    for (const [holder, ...others] of this.#claims.values()) {
      if (holder === undefined) continue;
      for (const entry of others) yield { entry, holder };
    }
  }

  /** Adds a claim, or changes the identity of the owner's claim in place. */
  upsert(entry: IpcacheEntry): void {
    const claims = this.#claims.get(entry.address.text) ?? [];
    const at = claims.findIndex((claim) => claim.owner === entry.owner);
    if (at < 0) claims.push(entry);
    else claims[at] = entry;
    this.#claims.set(entry.address.text, claims);
  }

  /** Gives the owner's claim up; does nothing when there is none. */
  delete(address: IpAddress, owner: string): void {
    const claims = this.#claims.get(address.text)?.filter((claim) => claim.owner !== owner) ?? [];
    if (claims.length === 0) this.#claims.delete(address.text);
    else this.#claims.set(address.text, claims);
  }
}
