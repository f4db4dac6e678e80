import fc from "fast-check";
import type { IpcacheKey, IpcacheState } from "../../src/datapath/datapath.ts";
import { IDENTITY_WORLD_IPV4, IDENTITY_WORLD_IPV6 } from "../../src/datapath/layout.ts";

/** The first `bits` bits; the others become zero. */
export function masked(address: Uint8Array, bits: number): Uint8Array {
  return address.map((byte, i) => byte & 0xFF00 >> Math.min(Math.max(bits - 8 * i, 0), 8));
}

/** Addresses and CIDRs in a plain list: what all the others must say. */
export class PrefixList {
  readonly #entries = new Map<string, IpcacheState>();

  set(entry: IpcacheState): void {
    this.#entries.set(nameOf(entry), entry);
  }

  /** Returns whether it was known. */
  remove(key: IpcacheKey): boolean {
    return this.#entries.delete(nameOf(key));
  }

  /** The identity of an address: its own, else that of the longest prefix, else the world. */
  identityOf(address: Uint8Array): number {
    const [found] = [...this.#entries.values()]
      .filter((entry) =>
        entry.address.length === address.length &&
        `${masked(address, entry.prefixLength ?? 128)}` === `${entry.address}`
      )
      .sort((a, b) => (b.prefixLength ?? 1000) - (a.prefixLength ?? 1000));
    return found?.identity ?? (address.length === 4 ? IDENTITY_WORLD_IPV4 : IDENTITY_WORLD_IPV6);
  }

  /** Those that it holds. */
  get entries(): readonly IpcacheState[] {
    return [...this.#entries.values()];
  }
}

function nameOf({ address, prefixLength }: IpcacheKey): string {
  return `${address}/${prefixLength}`;
}

/** One change of a {@linkcode PrefixList}; without an identity the key is removed. */
export interface PrefixChange extends IpcacheKey {
  readonly identity: number | undefined;
}

/** The change as the entry that it makes. */
export function entryOf({ address, prefixLength, identity = 0 }: PrefixChange): IpcacheState {
  return { address, prefixLength, identity };
}

/**
 * Changes of a few prefixes and addresses, so that they nest, meet, hide each other and are met
 * again.
 *
 * @param address Addresses to choose from, of one length or of several.
 */
export function prefixChanges(
  address: fc.Arbitrary<Uint8Array>,
  identity: fc.Arbitrary<number>,
): fc.Arbitrary<PrefixChange> {
  return fc.record({
    address,
    bits: fc.oneof(fc.constant(undefined), fc.nat(128), fc.nat(8)),
    identity: fc.option(identity, { nil: undefined, freq: 2 }),
  }).map(({ address, bits, identity }) => {
    // Short prefixes, and those near the end of the address, are as likely as those between.
    const all = address.length * 8;
    const prefixLength = bits === undefined ? undefined : bits <= 8 ? all - bits : bits % (all + 1);
    return { address: masked(address, prefixLength ?? all), prefixLength, identity };
  });
}

/** The ends of prefixes, and the neighbours of the ends. */
export function boundariesOf(keys: readonly IpcacheKey[]): Uint8Array[] {
  return keys.flatMap(({ address, prefixLength }) => {
    const bits = address.length * 8;
    const size = 1n << BigInt(bits - (prefixLength ?? bits));
    const first = address.reduce((number, byte) => number << 8n | BigInt(byte), 0n);
    return [first - 1n, first, first + size - 1n, first + size].map((number) =>
      address.map((_, i) => Number(BigInt.asUintN(bits, number) >> BigInt(bits - 8 - 8 * i) & 255n))
    );
  });
}
