import type { IpAddress } from "../cluster/ip_address.ts";
import type { ClusterObject, Pod } from "../cluster/object.ts";
import { AddressLookup } from "../identity/address_lookup.ts";
import { RESERVED } from "../identity/reserved.ts";
import type { PolicySnapshot } from "../policy/snapshot.ts";
import { Ends } from "../spec/ends.ts";
import { addressPeer, type Peer, reservedPeer } from "../spec/peer.ts";
import { addressOfNumber } from "./address.ts";
import { type AddressBoundaries, addressPartition } from "./address_partition.ts";
import { namedBlocks } from "./named_blocks.ts";

/** Something that can stand at one end of a flow. */
export interface Party {
  /** How reports call it: `default/xwing`, `host`, `node:n2`, `world-ipv4`. */
  readonly name: string;
  readonly peer: Peer;
  /** Numeric identity that the engine gave it. */
  readonly identity: number;
}

/** Who is behind addresses and identities: by the manifests, and with the engine's numbers. */
export class Parties {
  readonly #ends: Ends;
  readonly #lookup: AddressLookup;
  readonly #pods: ReadonlyMap<string, Pod>;
  /** Addresses that some object names: of any other nothing is known. */
  readonly #named: ReadonlySet<string>;
  readonly #known = new Map<string, Party>();
  readonly #identities = new Map<number, Party>();
  #last: { readonly text: string; readonly party: Party } | undefined;

  /**
   * @param boundaries Blocks at which identities may change, beside those of the IP cache.
   * @param node Name of the node whose view is taken.
   */
  constructor(
    objects: readonly ClusterObject[],
    { identities, ipcache }: PolicySnapshot,
    boundaries: AddressBoundaries,
    node: string | undefined,
  ) {
    this.#ends = new Ends(objects);
    this.#lookup = new AddressLookup(ipcache);
    const pods = objects.filter((object) => object.kind === "Pod").filter((p) => !p.terminated);
    this.#pods = new Map(
      pods.filter(({ hostNetwork }) => !hostNetwork).toReversed()
        .flatMap((pod) => pod.addresses.map(({ text }) => [text, pod])),
    );
    this.#named = new Set([
      ...pods.flatMap(({ addresses }) => addresses.map(({ text }) => text)),
      ...namedBlocks(objects).map(({ address }) => address.text),
    ]);
    for (const { id, labels } of identities) {
      const reserved = labels.filter(({ source }) => source === "reserved").map(({ key }) => key);
      if (reserved.length === 0 || reserved.length < labels.length) continue;
      const [name = ""] = reserved;
      this.#identities.set(id, { name, identity: id, peer: reservedPeer(...reserved) });
    }
    this.#noteHolders(boundaries);
    const host = { name: "host", identity: RESERVED.HOST, peer: this.#ends.node(node) };
    this.#identities.set(RESERVED.HOST, host);
  }

  /** Identities that somebody has; no packet can come from any other. */
  get identities(): readonly number[] {
    return [...this.#identities.keys()];
  }

  /** Who is behind an address. */
  at(address: IpAddress): Party {
    const known = this.#known.get(address.text);
    if (known !== undefined) return known;
    if (this.#last?.text === address.text) return this.#last.party;
    const isNamed = this.#named.has(address.text);
    const peer = isNamed ? this.#ends.at(address) : addressPeer(address);
    const identity = this.#lookup.identityAt(address);
    const party = { name: this.#nameOf(peer, address), identity, peer };
    if (isNamed) this.#known.set(address.text, party);
    else this.#last = { text: address.text, party };
    return party;
  }

  /**
   * Who has an identity; for identities that travel in a mark.
   *
   * @throws {RangeError} If nobody has.
   */
  of(identity: number): Party {
    const party = this.#identities.get(identity);
    if (party !== undefined) return party;
    throw new RangeError(
      `Cannot find who has identity "${identity}": nobody, expected one of the scenario`,
    );
  }

  /** A node that is the subject of host policies. */
  node(name: string, address: IpAddress | undefined): Party {
    const peer = this.#ends.node(name, address);
    return { name: `node:${name}`, identity: RESERVED.HOST, peer };
  }

  /** For each identity the first address that has it stands for all of them. */
  #noteHolders(boundaries: AddressBoundaries): void {
    for (const family of [4, 6] as const) {
      const partition = addressPartition(boundaries, family);
      for (let i = 0; i < partition.size; i++) {
        const address = addressOfNumber(family, partition.interval(i).first);
        const identity = this.#lookup.identityAt(address);
        const holder = this.#identities.get(identity);
        const isBetter = holder === undefined || holder.peer.kind === "reserved";
        if (isBetter) this.#identities.set(identity, this.at(address));
      }
    }
  }

  #nameOf(peer: Peer, { text }: IpAddress): string {
    switch (peer.kind) {
      case "pod": {
        const pod = this.#pods.get(text);
        return pod === undefined ? text : `${pod.namespace}/${pod.name}`;
      }
      case "node":
        return peer.name === undefined ? "host" : `node:${peer.name}`;
      case "address":
        return `world-ipv${peer.address.family}`;
      case "reserved":
        return peer.labels.join("+");
    }
  }
}
