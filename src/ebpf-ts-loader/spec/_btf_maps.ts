import type { Btf } from "../btf/btf.ts";
import type { BtfComposite, BtfMember, BtfVariable } from "../btf/types.ts";
import type { ElfFile, ElfSection, ElfSymbol } from "../elf/elf_file.ts";
import { ObjectFormatError } from "../errors.ts";
import type { MapSpec, SlotSpec } from "./collection_spec.ts";
import { emptyMap } from "./empty_map.ts";
import { isMapOfMaps, MapType, mapTypeName } from "./map_types.ts";

const PIN_BY_NAME = 1;
const SLOT_SIZE = 8;
// Generous: a definition has a dozen different fields.
const MAX_FIELDS = 32;

/** A map definition and where it stands in the `.maps` section. */
export interface PlacedMap {
  readonly spec: MapSpec;
  /** Byte offset inside `.maps`. */
  readonly offset: number;
  /** Bytes of the definition. */
  readonly size: number;
  /** Byte offset of `values` inside the definition, or undefined. */
  readonly slotsOffset: number | undefined;
}

/**
 * Reads the maps of the `.maps` section from BTF: `__uint(x, N)` is a pointer to an array of N,
 * `__type(x, T)` a pointer to T, `__array(values, T)` an array of pointers.
 */
export function parseBtfMaps(elf: ElfFile, section: ElfSection, btf: Btf): PlacedMap[] {
  if (section.bytes.some((byte) => byte !== 0)) {
    throw new ObjectFormatError(`${elf.name} .maps`, "a non-zero byte", "declarations only");
  }
  const dataSection = btf.find("dataSection", ".maps");
  const variables = dataSection?.variables ?? [];
  const symbols = new Map(
    (elf.symbolsOf.get(section.index) ?? []).map((symbol) => [symbol.name, symbol]),
  );
  const maps = variables.map(({ type }) => parsePlaced(elf, section, { btf, type, symbols }));
  maps.sort((a, b) => a.offset - b.offset);
  return maps;
}

function parsePlaced(
  elf: ElfFile,
  section: ElfSection,
  { btf, type, symbols }: { btf: Btf; type: number; symbols: ReadonlyMap<string, ElfSymbol> },
): PlacedMap {
  const variable = btf.type(type);
  if (variable.kind !== "variable") {
    throw new ObjectFormatError(`${elf.name} .maps`, `a ${variable.kind}`, "variables");
  }
  const symbol = symbols.get(variable.name);
  const definition = btf.resolve(variable.type);
  if (!symbol || definition.kind !== "struct") {
    throw new ObjectFormatError(
      `${elf.name} map ${variable.name}`,
      symbol ? `a ${definition.kind}` : "no symbol",
      "a struct in .maps",
    );
  }
  // `values` is a flexible array: only the symbol knows how long it is.
  const size = Math.max(symbol.size, definition.size);
  if (symbol.value + size > section.size) {
    throw new ObjectFormatError(
      `${elf.name} map ${variable.name}`,
      `offset ${symbol.value} + ${size}`,
      `inside the ${section.size} bytes of .maps`,
    );
  }
  const values = definition.members.find((member) => member.name === "values");
  const spec = new MapDefinition(btf, variable, elf.name).parse(definition, false);
  spec.tags = btf.tagsOf(variable.id);
  return {
    spec,
    offset: symbol.value,
    size,
    slotsOffset: values && values.bitOffset / 8,
  };
}

class MapDefinition {
  readonly #btf: Btf;
  readonly #name: string;
  readonly #subject: string;

  constructor(btf: Btf, variable: BtfVariable, file: string) {
    this.#btf = btf;
    this.#name = variable.name;
    this.#subject = `${file} map ${variable.name}`;
  }

  parse(definition: BtfComposite, inner: boolean): MapSpec {
    if (definition.members.length > MAX_FIELDS) {
      throw this.#error(`${definition.members.length} fields`, `at most ${MAX_FIELDS}`);
    }
    const spec = emptyMap(inner ? `${this.#name}.inner` : this.#name);
    for (const member of definition.members) this.#apply(spec, member, inner);
    if (spec.type === 0) throw this.#error("no type", "__uint(type, …)");
    this.#defaults(spec);
    return spec;
  }

  #error(state: string, expected: string): ObjectFormatError {
    return new ObjectFormatError(this.#subject, state, expected);
  }

  #apply(spec: MapSpec, member: BtfMember, inner: boolean): void {
    switch (member.name) {
      case "type":
        spec.type = this.#uint(member);
        return;
      case "max_entries":
        spec.maxEntries = this.#uint(member);
        return;
      case "map_flags":
        spec.flags = this.#uint(member);
        return;
      case "numa_node":
        spec.numaNode = this.#uint(member);
        return;
      case "map_extra":
        spec.mapExtra = this.#ulong(member);
        return;
      case "key_size":
        spec.keySize = this.#sameSize(spec.keySize, this.#uint(member), "key");
        return;
      case "value_size":
        spec.valueSize = this.#sameSize(spec.valueSize, this.#uint(member), "value");
        return;
      case "key":
        spec.keyTypeId = this.#pointee(member);
        spec.keySize = this.#sameSize(spec.keySize, this.#btf.sizeOf(spec.keyTypeId), "key");
        return;
      case "value":
        spec.valueTypeId = this.#pointee(member);
        spec.valueSize = this.#sameSize(
          spec.valueSize,
          this.#btf.sizeOf(spec.valueTypeId),
          "value",
        );
        return;
      case "pinning":
        spec.pinByName = this.#pinning(member, inner);
        return;
      case "values":
        this.#values(spec, member, inner);
        return;
      default:
        throw this.#error(`unknown field "${member.name}"`, "a field of a BTF map definition");
    }
  }

  #pointee(member: BtfMember): number {
    const pointer = this.#btf.resolve(member.type);
    if (pointer.kind === "pointer") return pointer.type;
    throw this.#error(`"${member.name}" is a ${pointer.kind}`, "a pointer (__uint or __type)");
  }

  #uint(member: BtfMember): number {
    const array = this.#btf.resolve(this.#pointee(member));
    if (array.kind === "array") return array.count;
    throw this.#error(`"${member.name}" points at a ${array.kind}`, "an array (__uint)");
  }

  /** `__ulong` carries a 64-bit number as the first enumerator of an enum. */
  #ulong(member: BtfMember): bigint {
    const type = this.#btf.resolve(member.type);
    if (type.kind !== "enum" && type.kind !== "enum64") return BigInt(this.#uint(member));
    return BigInt(type.values[0]?.value ?? 0);
  }

  #sameSize(known: number, size: number, what: string): number {
    if (known === 0 || known === size) return size;
    throw this.#error(`${what} sizes ${known} and ${size}`, "equal sizes");
  }

  #pinning(member: BtfMember, inner: boolean): boolean {
    const value = this.#uint(member);
    if (value > PIN_BY_NAME || (inner && value !== 0)) {
      throw this.#error(`pinning ${value}`, inner ? "an inner map without pinning" : "0 or 1");
    }
    return value === PIN_BY_NAME;
  }

  #values(spec: MapSpec, member: BtfMember, inner: boolean): void {
    if (inner) throw this.#error("an inner map with values", "one level of nesting");
    const element = this.#slotType(member);
    if (spec.type === MapType.PROG_ARRAY) {
      if (element.kind === "prototype" || element.kind === "void") return;
      throw this.#error(`values of kind ${element.kind}`, "function pointers");
    }
    if (!isMapOfMaps(spec.type)) {
      throw this.#error(`values in a ${mapTypeName(spec.type)}`, "a map-in-map or prog array");
    }
    if (element.kind !== "struct") {
      throw this.#error(`values of kind ${element.kind}`, "a map definition");
    }
    spec.inner = this.parse(element, true);
  }

  #slotType(member: BtfMember): ReturnType<Btf["resolve"]> {
    const array = this.#btf.resolve(member.type);
    const pointer = array.kind === "array" ? this.#btf.resolve(array.type) : array;
    if (pointer.kind === "pointer") return this.#btf.resolve(pointer.type);
    throw this.#error(`"values" is a ${array.kind}`, "an array of pointers (__array)");
  }

  #defaults(spec: MapSpec): void {
    const fdSlots = spec.type === MapType.PROG_ARRAY || isMapOfMaps(spec.type);
    if (!fdSlots) return;
    if (spec.keySize === 0) spec.keySize = 4;
    if (spec.valueSize === 0) spec.valueSize = 4;
    if (spec.valueSize !== 4) throw this.#error(`values of ${spec.valueSize} bytes`, "4");
  }
}

/** Fills the slots of map-in-maps and prog arrays from the relocations of `.maps`. */
export function applySlots(
  elf: ElfFile,
  section: ElfSection,
  { maps, functionName }: {
    maps: readonly PlacedMap[];
    functionName: (section: number, value: number) => string | undefined;
  },
): void {
  const mapAt = new Map(maps.map((map) => [map.offset, map]));
  // Relocations and maps are both sorted by offset: one walk over the two.
  let next = 0;
  let owner: PlacedMap | undefined;
  for (const { offset, symbol } of elf.relocations.get(section.index) ?? []) {
    while ((maps[next]?.offset ?? Infinity) <= offset) owner = maps[next++];
    if (owner && offset >= owner.offset + owner.size) owner = undefined;
    const at = owner?.slotsOffset === undefined ? -1 : offset - owner.offset - owner.slotsOffset;
    if (!owner || at < 0 || at % SLOT_SIZE !== 0) {
      throw new ObjectFormatError(`${elf.name} .maps`, `a pointer at ${offset}`, "map values");
    }
    const target = slotTarget(owner.spec, symbol.section, {
      symbol,
      section,
      mapAt,
      functionName,
    });
    if (target === undefined) {
      throw new ObjectFormatError(
        `${elf.name} map ${owner.spec.name}`,
        `slot ${at / SLOT_SIZE} holds "${symbol.name}"`,
        owner.spec.type === MapType.PROG_ARRAY ? "a program" : "a map",
      );
    }
    const index = at / SLOT_SIZE;
    owner.spec.slots.push({ ...target, index });
    // `__array(values, …)` with initialisers and no max_entries: as many as are written.
    owner.spec.maxEntries = Math.max(owner.spec.maxEntries, index + 1);
  }
}

function slotTarget(
  spec: MapSpec,
  symbolSection: number | undefined,
  { symbol, section, mapAt, functionName }: {
    symbol: { readonly value: number };
    section: ElfSection;
    mapAt: ReadonlyMap<number, PlacedMap>;
    functionName: (section: number, value: number) => string | undefined;
  },
): Omit<SlotSpec, "index"> | undefined {
  if (symbolSection === undefined) return undefined;
  if (spec.type === MapType.PROG_ARRAY) {
    const name = functionName(symbolSection, symbol.value);
    return name === undefined ? undefined : { kind: "program", name };
  }
  const map = mapAt.get(symbol.value);
  if (symbolSection !== section.index || !map) return undefined;
  return { kind: "map", name: map.spec.name };
}
