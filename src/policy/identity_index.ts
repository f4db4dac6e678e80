import type { Identity } from "../identity/identity.ts";
import { CLUSTER_KEY, NAMESPACE_KEY } from "../identity/label.ts";
import { PrefixTrie } from "../identity/prefix_trie.ts";
import type { Requirement, Selector } from "./selector.ts";

/** Known identities, found by what selectors ask for. */
export class IdentityIndex {
  readonly #identities = new Map<number, Identity>();
  readonly #byNamespace = new Map<string, Set<Identity>>();
  /** By `key=value` of labels that tell identities apart. */
  readonly #byLabel = new Map<string, Set<Identity>>();
  readonly #byPrefix = new PrefixTrie<Set<Identity>>();
  readonly #byName = new Map<string, Set<Identity>>();

  /** The identities by number. */
  get identities(): ReadonlyMap<number, Identity> {
    return this.#identities;
  }

  /** Adds an identity whose number is not in use. */
  add(identity: Identity): void {
    this.#identities.set(identity.id, identity);
    for (const [map, key] of this.#placesOf(identity)) {
      const place = map.get(key);
      if (place === undefined) map.set(key, new Set([identity]));
      else place.add(identity);
    }
    for (const prefix of identity.prefixes ?? []) {
      const block = this.#byPrefix.get(prefix);
      if (block === undefined) this.#byPrefix.set(prefix, new Set([identity]));
      else block.add(identity);
    }
  }

  /** Takes an identity out and returns it. */
  remove(id: number): Identity | undefined {
    const identity = this.#identities.get(id);
    if (identity === undefined) return undefined;
    this.#identities.delete(id);
    for (const [map, key] of this.#placesOf(identity)) {
      const place = map.get(key);
      place?.delete(identity);
      if (place?.size === 0) map.delete(key);
    }
    for (const prefix of identity.prefixes ?? []) {
      const block = this.#byPrefix.get(prefix);
      block?.delete(identity);
      if (block?.size === 0) this.#byPrefix.delete(prefix);
    }
    return identity;
  }

  /** The identities that a selector could select. */
  *candidates(selector: Selector): Generator<Identity> {
    switch (selector.kind) {
      case "cidr":
        for (const [, block] of this.#byPrefix.within(selector.cidr)) yield* block;
        return;
      case "fqdn":
        yield* this.#byName.get(selector.pattern.text) ?? [];
        return;
      case "portName":
        yield* this.#identities.values();
        return;
    }
    const label = selector.requirements.find(isTelling);
    if (label !== undefined) {
      for (const value of label.values) {
        yield* this.#byLabel.get(`${label.key}=${value}`) ?? [];
      }
    } else if (selector.namespaces !== undefined) {
      for (const namespace of selector.namespaces) yield* this.#byNamespace.get(namespace) ?? [];
    } else {
      yield* this.#identities.values();
    }
  }

  *#placesOf({ labels }: Identity): Generator<[Map<string, Set<Identity>>, string]> {
    for (const { source, key, value } of labels) {
      if (key === NAMESPACE_KEY) yield [this.#byNamespace, value];
      if (source === "fqdn") yield [this.#byName, key];
      else if (key !== CLUSTER_KEY && key !== NAMESPACE_KEY) {
        yield [this.#byLabel, `${key}=${value}`];
      }
    }
  }
}

/** A condition that few identities meet. */
function isTelling({ source, operator, key }: Requirement): boolean {
  return operator === "In" && key !== CLUSTER_KEY && key !== NAMESPACE_KEY &&
    source !== "cidr" && source !== "fqdn";
}
