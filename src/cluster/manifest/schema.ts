import type { Feature } from "../not_yet.ts";

/**
 * What a schema knows of one field: whether it is supported, and what is inside it.
 * Fields are found by name, unknown ones are errors, and the tree is searched for
 * the place where a misplaced field belongs.
 */
export interface FieldSchema {
  /** The field asks for something that may not be supported yet. */
  readonly feature?: Feature;
  /** The field is known and never accepted. */
  readonly refused?: {
    /** Why, as what is said of the field: `was removed in Cilium 1.19`. */
    readonly state: string;
    /** What to write instead. */
    readonly expected: string;
  };
  /** The fields of the object, or of each item of the list. Absent: not looked into. */
  readonly fields?: Schema;
  /** The field holds a list. */
  readonly list?: true;
  /** The field holds names that the author chooses, as `matchLabels` does. */
  readonly free?: true;
}

/** Fields by name. */
export type Schema = { readonly [field: string]: FieldSchema };

/** Returns the field's schema; own properties only, `constructor` is not a field. */
export function fieldOf(schema: Schema, name: string): FieldSchema | undefined {
  return Object.hasOwn(schema, name) ? schema[name] : undefined;
}

/**
 * Guesses what was meant by an unknown field.
 *
 * A known name at the wrong place is answered by its path (`spec.toPorts` →
 * `spec.ingress[0].toPorts`), a misspelt one by the nearest sibling.
 *
 * @param root Schema of the whole object.
 * @param parent Path of the object that holds the field; empty for the root.
 * @param siblings Names that the object may hold.
 * @param present Names that the object does hold, which decides between equal guesses.
 */
export function suggestField(
  root: Schema,
  parent: string,
  name: string,
  siblings: readonly string[],
  present: readonly string[],
): string | undefined {
  const near = nearest(name, siblings);
  if (near !== undefined) return join(parent, near);
  const score = (path: string) => {
    if (!path.startsWith(parent === "" ? "" : `${parent}.`)) return 0;
    const next = path.slice(parent === "" ? 0 : parent.length + 1).split(/[.[]/, 1)[0] ?? "";
    return present.includes(next) ? 2 : 1;
  };
  let best: string | undefined;
  for (const path of pathsOf(root, name, "")) {
    if (best === undefined || score(path) > score(best)) best = path;
  }
  return best;
}

/** Guesses that an unknown field belongs into the one field that takes any: `matchLabels`. */
export function suggestFree(schema: Schema, parent: string, name: string): string | undefined {
  const [free] = Object.entries(schema).find(([, field]) => field.free === true) ?? [];
  return free === undefined ? undefined : join(join(parent, free), name);
}

/** Joins a path and a field name. */
export function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

/** Returns the candidate within two edits of the word (one for short words), if there is one. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = word.length < 5 ? 2 : 3;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function* pathsOf(schema: Schema, name: string, prefix: string): Generator<string> {
  for (const [key, field] of Object.entries(schema)) {
    const path = join(prefix, key);
    if (key === name) yield path;
    if (field.fields !== undefined) {
      yield* pathsOf(field.fields, name, field.list ? `${path}[0]` : path);
    }
  }
}

function editDistance(a: string, b: string): number {
  // A hostile field name can be long; past the threshold the distance does not matter.
  if (Math.abs(a.length - b.length) > 2) return 3;
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitute = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitute, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
