import type { Identity } from "../identity/identity.ts";
import { CLUSTER_KEY, type Label, NAMESPACE_KEY } from "../identity/label.ts";
import { PrefixTrie } from "../identity/prefix_trie.ts";
import type { Requirement, Selector } from "./selector.ts";

/** One identity, or several: most places have but one, and there may be many places. */
type Place = Identity | Set<Identity>;

const NOBODY: readonly Identity[] = [];

/** Known identities, found by what selectors ask for. */
export class IdentityIndex {
  readonly #identities = new Map<number, Identity>();
  readonly #byNamespace = new Map<string, Place>();
  /** By key and value of labels that tell identities apart. */
  readonly #byLabel = new Map<string, Map<string, Place>>();
  readonly #byPrefix = new PrefixTrie<Place>();
  readonly #byName = new Map<string, Place>();

  /** The identities by number. */
  get identities(): ReadonlyMap<number, Identity> {
    return this.#identities;
  }

  /** Adds an identity whose number is not in use. */
  add(identity: Identity): void {
    this.#identities.set(identity.id, identity);
    for (const label of identity.labels) {
      const { source, key, value } = label;
      if (key === NAMESPACE_KEY) addAt(this.#byNamespace, value, identity);
      if (source === "fqdn") addAt(this.#byName, key, identity);
      else if (isIndexed(label)) {
        let values = this.#byLabel.get(key);
        if (values === undefined) this.#byLabel.set(key, values = new Map());
        addAt(values, value, identity);
      }
    }
    for (const prefix of identity.prefixes ?? []) addAt(this.#byPrefix, prefix, identity);
  }

  /** Takes an identity out and returns it. */
  remove(id: number): Identity | undefined {
    const identity = this.#identities.get(id);
    if (identity === undefined) return undefined;
    this.#identities.delete(id);
    for (const label of identity.labels) {
      const { source, key, value } = label;
      if (key === NAMESPACE_KEY) removeAt(this.#byNamespace, value, identity);
      if (source === "fqdn") removeAt(this.#byName, key, identity);
      const values = this.#byLabel.get(key);
      if (source === "fqdn" || values === undefined || !isIndexed(label)) continue;
      removeAt(values, value, identity);
      if (values.size === 0) this.#byLabel.delete(key);
    }
    for (const prefix of identity.prefixes ?? []) removeAt(this.#byPrefix, prefix, identity);
    return identity;
  }

  /** The identities that a selector could select; some perhaps more than once. */
  candidates(selector: Selector): Iterable<Identity> {
    switch (selector.kind) {
      case "cidr":
        return this.#byPrefix.within(selector.cidr).flatMap(([, place]) => [...membersOf(place)]);
      case "fqdn":
        return membersOf(this.#byName.get(selector.pattern.text));
      case "portName":
        return this.#identities.values();
    }
    const { requirements, namespaces } = selector;
    const label = requirements.find(isTelling);
    if (label !== undefined) {
      const values = this.#byLabel.get(label.key);
      return label.values.flatMap((value) => [...membersOf(values?.get(value))]);
    }
    if (namespaces === undefined) return this.#identities.values();
    return namespaces.flatMap((namespace) => [...membersOf(this.#byNamespace.get(namespace))]);
  }
}

interface Places<K> {
  get(key: K): Place | undefined;
  set(key: K, place: Place): void;
  delete(key: K): void;
}

function addAt<K>(places: Places<K>, key: K, identity: Identity): void {
  const place = places.get(key);
  if (place === undefined) places.set(key, identity);
  else if (place instanceof Set) place.add(identity);
  else if (place !== identity) places.set(key, new Set([place, identity]));
}

function removeAt<K>(places: Places<K>, key: K, identity: Identity): void {
  const place = places.get(key);
  if (place === identity) places.delete(key);
  if (!(place instanceof Set)) return;
  place.delete(identity);
  if (place.size === 0) places.delete(key);
}

function membersOf(place: Place | undefined): Iterable<Identity> {
  if (place === undefined) return NOBODY;
  return place instanceof Set ? place : [place];
}

/** A label that tells identities apart, whatever its source. */
function isIndexed({ key }: Label): boolean {
  return key !== CLUSTER_KEY && key !== NAMESPACE_KEY;
}

/** A condition that few identities meet. */
function isTelling({ source, operator, key }: Requirement): boolean {
  return operator === "In" && key !== CLUSTER_KEY && key !== NAMESPACE_KEY &&
    source !== "cidr" && source !== "fqdn";
}
