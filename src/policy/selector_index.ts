import { CLUSTER_KEY, type Labels, NAMESPACE_KEY } from "../identity/label.ts";
import type { LabelsSelector, Requirement } from "./selector.ts";

/** Where a selector stands: at a label, at a key, or (with neither) at all labels. */
interface Spot {
  /** `undefined` for every namespace. */
  readonly namespace?: string;
  readonly key?: string;
  /** `undefined` for every value. */
  readonly value?: string;
}

/** What stands at the labels of one key. */
interface KeyPlaces<T> {
  readonly every: Set<T>;
  readonly byValue: Map<string, Set<T>>;
}

/** What stands at the labels of one namespace, or of all. */
interface Places<T> {
  readonly every: Set<T>;
  readonly byKey: Map<string, KeyPlaces<T>>;
}

/**
 * Finds the label selectors that could select a set of labels, without a look at the
 * others.
 *
 * Each selector stands at one of its conditions: namespace and one `key=value`, or the
 * best it has of that. So a set of labels meets the selectors that stand at its own
 * namespace and labels, however many others there are.
 */
export class SelectorIndex<T> {
  readonly #anywhere: Places<T> = newPlaces();
  readonly #byNamespace = new Map<string, Places<T>>();

  /** Adds an item under a selector. */
  add(selector: LabelsSelector, item: T): void {
    for (const spot of spotsOf(selector)) this.#itemsAt(spot).add(item);
  }

  /** Takes an item out. */
  remove(selector: LabelsSelector, item: T): void {
    for (const spot of spotsOf(selector)) {
      const items = this.#itemsAt(spot);
      items.delete(item);
      if (items.size === 0) this.#prune(spot);
    }
  }

  /** The items whose selectors could select the labels, in a set that is the caller's. */
  candidates(labels: Labels): Set<T> {
    const found = new Set<T>();
    collect(this.#anywhere, labels, found);
    for (const { key, value } of labels) {
      // One, but for identities of others, who may have the label from two sources.
      const places = key === NAMESPACE_KEY ? this.#byNamespace.get(value) : undefined;
      if (places !== undefined) collect(places, labels, found);
    }
    return found;
  }

  /** Finds the place of a spot, which is made where there is none. */
  #itemsAt({ namespace, key, value }: Spot): Set<T> {
    const places = namespace === undefined
      ? this.#anywhere
      : entryOf(this.#byNamespace, namespace, newPlaces<T>);
    if (key === undefined) return places.every;
    const ofKey = entryOf(places.byKey, key, newKeyPlaces<T>);
    return value === undefined ? ofKey.every : entryOf(ofKey.byValue, value, () => new Set<T>());
  }

  /** Takes out what is empty on the way to a spot. */
  #prune({ namespace, key, value }: Spot): void {
    const places = namespace === undefined ? this.#anywhere : this.#byNamespace.get(namespace);
    const ofKey = key === undefined ? undefined : places?.byKey.get(key);
    if (value !== undefined) ofKey?.byValue.delete(value);
    if (key !== undefined && ofKey?.every.size === 0 && ofKey.byValue.size === 0) {
      places?.byKey.delete(key);
    }
    if (namespace !== undefined && places?.every.size === 0 && places.byKey.size === 0) {
      this.#byNamespace.delete(namespace);
    }
  }
}

function newPlaces<T>(): Places<T> {
  return { every: new Set(), byKey: new Map() };
}

function newKeyPlaces<T>(): KeyPlaces<T> {
  return { every: new Set(), byValue: new Map() };
}

function entryOf<V>(map: Map<string, V>, key: string, make: () => V): V {
  let entry = map.get(key);
  if (entry === undefined) map.set(key, entry = make());
  return entry;
}

function collect<T>({ every, byKey }: Places<T>, labels: Labels, found: Set<T>): void {
  for (const item of every) found.add(item);
  if (byKey.size === 0) return;
  for (const { key, value } of labels) {
    const ofKey = byKey.get(key);
    if (ofKey === undefined) continue;
    for (const item of ofKey.every) found.add(item);
    const items = ofKey.byValue.get(value);
    if (items !== undefined) { for (const item of items) found.add(item); }
  }
}

function spotsOf({ requirements, namespaces }: LabelsSelector): readonly Spot[] {
  let best: Requirement | undefined;
  for (const requirement of requirements) {
    const { source, key, operator, values } = requirement;
    // Nearly every label set has these two: they tell nothing apart.
    if (operator !== "In" || key === CLUSTER_KEY || key === NAMESPACE_KEY) continue;
    // A block is asked for by the blocks around it, too.
    if (source === "cidr") continue;
    if (best === undefined || values.length < best.values.length) best = requirement;
  }
  const labels = best?.values.map((value): Spot => ({ key: best.key, value }));
  if (namespaces !== undefined) {
    return namespaces.flatMap((namespace): Spot | Spot[] =>
      labels === undefined ? { namespace } : labels.map((label) => ({ namespace, ...label }))
    );
  }
  if (labels !== undefined) return labels;
  const there = requirements.find(({ source, operator, key }) =>
    operator === "Exists" && key !== NAMESPACE_KEY && source !== "cidr"
  );
  return [there === undefined ? {} : { key: there.key }];
}
