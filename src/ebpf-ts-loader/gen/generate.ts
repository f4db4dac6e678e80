import type { Btf } from "../btf/btf.ts";
import { parseObject } from "../spec/parse_object.ts";
import type { CollectionSpec, MapSpec, ProgramSpec } from "../spec/collection_spec.ts";
import { isMapOfMaps, MapType, mapTypeName } from "../spec/map_types.ts";
import { commentText, propertyName } from "./_names.ts";
import { byteCount, TypeWriter } from "./_type_writer.ts";

/** Options of {@linkcode generateModule}. */
export interface GenerateOptions {
  /** Where the module imports the loader from. @default "ebpf-ts-loader" */
  importFrom?: string;
  /**
   * Structs to write types and decoders of besides those of maps and variables: what programs put
   * into ring buffers. @default none
   */
  types?: readonly string[];
}

const BASE64_LINE = 96;

/**
 * Writes a TypeScript module for a compiled object, as bpf2go does for Go: the object itself, the
 * types of its maps' keys and values and of its variables, and a `load()` that gives maps, programs
 * and variables under their names. Deterministic; needs no kernel. Names from the object are
 * quoted or reduced to letters and digits, so that a hostile object cannot put in code.
 *
 * Throws `ObjectFormatError` for what is no object, and for a type that it does not have.
 *
 * @example Usage
 * ```ts
 * import { generateModule } from "ebpf-ts-loader/gen";
 * import { assert } from "@std/assert";
 * const object = await Deno.readFile("tests/ebpf-ts-loader/fixtures/tc.bpf.o");
 * const text = generateModule(object, "tc.bpf.o");
 * assert(text.includes("export type Key = {"));
 * assert(text.includes("flows: TypedMap<Key, Value>;"));
 * ```
 */
export function generateModule(
  object: Uint8Array,
  name: string,
  options: GenerateOptions = {},
): string {
  const spec = parseObject(object, name);
  const { importFrom = "ebpf-ts-loader", types = [] } = options;
  const writer = new TypeWriter();
  const maps = mapFields(spec, writer);
  const programs = [...spec.programs.values()].map(programField);
  const variables = variableFields(spec, writer);
  const decoders = types.map((type) => decoder(type, spec, writer));
  const body = [
    ...writer.declarations,
    interfaceText("Maps", "Maps by name.", maps),
    interfaceText("Programs", "Programs by name.", programs),
    interfaceText(
      "Variables",
      "Global variables by name, in memory shared with programs.",
      variables.live,
    ),
    interfaceText("VariableValues", "First values of global variables.", variables.first),
    loadText(name, { maps, programs, variables: variables.live, decoders }),
  ].join("\n");
  return [
    `// Generated from ${commentText(name)} by ebpf-ts-loader. Do not edit.`,
    "// deno-fmt-ignore-file",
    "// deno-lint-ignore-file",
    "",
    `import {\n${importsOf(body)}\n} from ${JSON.stringify(importFrom)};`,
    "",
    body,
    `const OBJECT = Uint8Array.fromBase64(\`\n${base64Lines(object)}\n\`);`,
    "",
  ].join("\n");
}

const IMPORTS: readonly string[] = [
  "type BpfMap",
  "type BpfProgram",
  "type Collection",
  "type CollectionSpec",
  "decodeValue",
  "loadCollection",
  "type LoadCollectionOptions",
  "parseObject",
  "type TypedMap",
  "typedMap",
  "type TypeLayout",
  "type Variable",
];

/** Those of the imports that a module uses. */
function importsOf(body: string): string {
  const words = new Set(body.match(/\w+/g));
  const used = IMPORTS.filter((each) => words.has(each.replace("type ", "")));
  return used.map((each) => `  ${each},`).join("\n");
}

interface Field {
  readonly name: string;
  readonly type: string;
  readonly comment: string;
  readonly optional?: true;
  /** Expression for it, in a getter. */
  readonly value?: string;
}

function interfaceText(name: string, comment: string, fields: readonly Field[]): string {
  const lines = fields.flatMap((field) => [
    `  /** ${commentText(field.comment)} */`,
    `  ${field.optional ? "" : "readonly "}${propertyName(field.name)}${
      field.optional ? "?" : ""
    }: ${field.type};`,
  ]);
  return `/** ${comment} */\nexport interface ${name} {\n${lines.join("\n")}\n}\n`;
}

function mapFields(spec: CollectionSpec, writer: TypeWriter): Field[] {
  const declared = [...spec.maps.values()].filter(({ contents }) => contents === undefined);
  return declared.map((map) => {
    const { name } = map;
    const type = mapType(map, spec.btf, writer);
    const comment = `${mapTypeName(map.type)} of ${map.maxEntries}`;
    const found = `collection.map(${JSON.stringify(name)})`;
    const value = type === "BpfMap"
      ? found
      : `typedMap<${type.slice("TypedMap<".length, -1)}>(${found}, spec, ${JSON.stringify(name)})`;
    return { name, type, comment, value };
  });
}

function mapType(map: MapSpec, btf: Btf | undefined, writer: TypeWriter): string {
  const plain = map.type === MapType.PROG_ARRAY || isMapOfMaps(map.type) || map.keyTypeId === 0 ||
    map.valueTypeId === 0;
  if (plain || !btf) return "BpfMap";
  const key = writer.reference(btf.layout(map.keyTypeId), 1);
  const value = writer.reference(btf.layout(map.valueTypeId), 1);
  return `TypedMap<${key}, ${value}>`;
}

function programField({ name, section }: ProgramSpec): Field {
  const value = `collection.program(${JSON.stringify(name)})`;
  return { name, type: "BpfProgram", comment: `SEC("${section}")`, value };
}

function variableFields(
  spec: CollectionSpec,
  writer: TypeWriter,
): { live: Field[]; first: Field[] } {
  const fields = [...spec.variables.values()].map((variable) => {
    const { name, section, typeId, size } = variable;
    const type = typeId === 0 || !spec.btf
      ? "Uint8Array"
      : writer.reference(spec.btf.layout(typeId), 1);
    const constant = spec.maps.get(section)?.frozen ? "constant" : "variable";
    return { name, type, comment: `${constant} in ${section}, ${byteCount(size)}` };
  });
  return {
    live: fields.map((field) => ({
      ...field,
      type: `Variable<${field.type}>`,
      value: `collection.variable<${field.type}>(${JSON.stringify(field.name)})`,
    })),
    first: fields.map((field) => ({ ...field, optional: true })),
  };
}

function decoder(name: string, { btf, name: object }: CollectionSpec, writer: TypeWriter): string {
  if (!btf) {
    throw new TypeError(`Cannot write type "${name}": no BTF in "${object}", expected some`);
  }
  const type = writer.reference(btf.structLayout(name));
  const quoted = JSON.stringify(name);
  return `let layoutOf${type}: TypeLayout | undefined;

/** Reads a \`${commentText(name)}\`, as programs write it into a ring buffer. */
export function decode${type}(bytes: Uint8Array): ${type} {
  layoutOf${type} ??= loadSpec().btf?.structLayout(${quoted});
  if (!layoutOf${type}) throw new TypeError(${JSON.stringify(`no ${name}`)});
  return decodeValue(layoutOf${type}, bytes) as ${type};
}
`;
}

function getters(name: string, fields: readonly Field[]): string {
  const usesSpec = fields.some(({ type }) => type.startsWith("TypedMap"));
  const lines = fields.map(({ name: field, value }) =>
    `    get ${propertyName(field)}() {\n      return ${value};\n    },`
  );
  // A leading underscore tells strict compilers that a parameter is not used.
  const unused = fields.length === 0 ? "_" : "";
  const parameters = name === "maps"
    ? `${unused}collection: Collection, ${usesSpec ? "" : "_"}spec: CollectionSpec`
    : `${unused}collection: Collection`;
  return `function ${name}Of(${parameters}) {
  return {
${lines.join("\n")}
  };
}
`;
}

function loadText(
  name: string,
  { maps, programs, variables, decoders }: {
    maps: readonly Field[];
    programs: readonly Field[];
    variables: readonly Field[];
    decoders: readonly string[];
  },
): string {
  return `/** Options of {@linkcode load}. */
export interface LoadOptions extends Omit<LoadCollectionOptions, "variables"> {
  /** First values of global variables. @default as in the object */
  variables?: VariableValues;
}

/** What {@linkcode load} gives; disposal closes all of it. */
export class Objects implements Disposable {
  /** Everything by name, untyped. */
  readonly collection: Collection;
  readonly maps: Maps;
  readonly programs: Programs;
  readonly variables: Variables;

  /** Takes ownership of the collection. */
  constructor(collection: Collection, spec: CollectionSpec) {
    this.collection = collection;
    this.maps = mapsOf(collection, spec);
    this.programs = programsOf(collection);
    this.variables = variablesOf(collection);
  }

  [Symbol.dispose](): void {
    this.collection[Symbol.dispose]();
  }
}

/** The object's specification, anew at each call: it may be changed before it is loaded. */
export function loadSpec(): CollectionSpec {
  return parseObject(OBJECT, ${JSON.stringify(name)});
}

/** Creates the maps and loads the programs; the caller owns them. */
export function load(options: LoadOptions = {}): Objects {
  const { variables = {}, ...rest } = options;
  const spec = loadSpec();
  return new Objects(loadCollection(spec, { ...rest, variables: { ...variables } }), spec);
}

${decoders.join("\n")}
${getters("maps", maps)}
${getters("programs", programs)}
${getters("variables", variables)}`;
}

function base64Lines(bytes: Uint8Array): string {
  return bytes.toBase64().match(new RegExp(`.{1,${BASE64_LINE}}`, "g"))?.join("\n") ?? "";
}
