/** Names of the module itself and of what it uses: no generated type may hide them. */
const TAKEN: readonly string[] = [
  "Array",
  "BigInt",
  "Boolean",
  "BpfMap",
  "BpfProgram",
  "Collection",
  "CollectionSpec",
  "Disposable",
  "LoadCollectionOptions",
  "LoadOptions",
  "Map",
  "Maps",
  "Number",
  "OBJECT",
  "Object",
  "Objects",
  "Programs",
  "String",
  "Symbol",
  "TypedMap",
  "Uint8Array",
  "Variable",
  "Variables",
  "VariableValues",
];

/** `struct policy_key` becomes `PolicyKey`; whatever is no letter or digit is left out. */
export function typeName(name: string): string {
  const words = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  const joined = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
  return /^[A-Za-z]/.test(joined) ? joined : `Type${joined}`;
}

/** Hands out each name once. */
export class Names {
  readonly #taken = new Set(TAKEN);

  unique(name: string): string {
    let free = name;
    for (let suffix = 2; this.#taken.has(free); suffix++) free = `${name}${suffix}`;
    this.#taken.add(free);
    return free;
  }
}

/** A property name; quoted unless it is a plain identifier. */
export function propertyName(name: string): string {
  return /^[A-Za-z_$][A-Za-z0-9_$]*$/.test(name) && name !== "__proto__"
    ? name
    : JSON.stringify(name);
}

/** Text from an object inside a comment: one line that cannot end it. */
export function commentText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?").replaceAll("*/", "*\\/").slice(0, 200);
}
