import { CLUSTER_KEY, type Labels, NAMESPACE_KEY } from "../identity/label.ts";
import type { LabelsSelector, Requirement } from "./selector.ts";

/** Between the parts of a place: no part can hold it. */
const END = "\0";

/**
 * Finds the label selectors that could select a set of labels, without a look at the
 * others.
 *
 * Each selector stands at one of its conditions: namespace and one `key=value`, or the
 * best it has of that. So a set of labels meets the selectors that stand at its own
 * namespace and labels, however many others there are.
 */
export class SelectorIndex<T> {
  readonly #places = new Map<string, Set<T>>();

  /** Adds an item under a selector. */
  add(selector: LabelsSelector, item: T): void {
    for (const place of placesOf(selector)) {
      const items = this.#places.get(place);
      if (items === undefined) this.#places.set(place, new Set([item]));
      else items.add(item);
    }
  }

  /** Takes an item out. */
  remove(selector: LabelsSelector, item: T): void {
    for (const place of placesOf(selector)) {
      const items = this.#places.get(place);
      items?.delete(item);
      if (items?.size === 0) this.#places.delete(place);
    }
  }

  /** The items whose selectors could select the labels, in a set that is the caller's. */
  candidates(labels: Labels): Set<T> {
    const found = new Set<T>();
    const collect = (place: string) => {
      const items = this.#places.get(place);
      if (items !== undefined) { for (const item of items) found.add(item); }
    };
    // One, but for identities of others, who may have the label from two sources.
    const namespaces = labels.filter(({ key }) => key === NAMESPACE_KEY).map((l) => l.value);
    collect("");
    for (const namespace of namespaces) collect(namespace);
    for (const { key, value } of labels) {
      const label = END + key + END + value;
      collect(END + key);
      collect(label);
      for (const namespace of namespaces) collect(namespace + label);
    }
    return found;
  }
}

function placesOf({ requirements, namespaces }: LabelsSelector): readonly string[] {
  let best: Requirement | undefined;
  for (const requirement of requirements) {
    const { source, key, operator, values } = requirement;
    // Nearly every label set has these two: they tell nothing apart.
    if (operator !== "In" || key === CLUSTER_KEY || key === NAMESPACE_KEY) continue;
    // A block is asked for by the blocks around it, too.
    if (source === "cidr") continue;
    if (best === undefined || values.length < best.values.length) best = requirement;
  }
  const labels = best?.values.map((value) => END + best.key + END + value);
  if (namespaces !== undefined) {
    return labels === undefined
      ? namespaces
      : namespaces.flatMap((namespace) => labels.map((label) => namespace + label));
  }
  if (labels !== undefined) return labels;
  const there = requirements.find(({ source, operator, key }) =>
    operator === "Exists" && key !== NAMESPACE_KEY && source !== "cidr"
  );
  return [there === undefined ? "" : END + there.key];
}
