import type { Btf } from "../btf/btf.ts";
import type { BtfType } from "../btf/types.ts";
import { type ElfFile, type ElfSymbol, STB, STT } from "../elf/elf_file.ts";
import { ObjectFormatError } from "../errors.ts";
import { emptyMap } from "./empty_map.ts";
import type { ExternSpec, KconfigExtern, KconfigKind, MapSpec } from "./collection_spec.ts";
import { MapFlags, MapType } from "./map_types.ts";

/** Section and map of the configuration values that the object asks for. */
export const KCONFIG = ".kconfig";
const KSYMS = ".ksyms";
// Real objects have dozens.
const MAX_EXTERNS = 4096;
// Longer than any configuration value: a type of the object decides how much memory it takes.
const MAX_VALUE = 4096;

/** The symbols that something outside the object defines, by name. */
export function findExterns(elf: ElfFile, btf: Btf | undefined): Map<string, ExternSpec> {
  const symbols = elf.symbols.filter(isExtern);
  if (symbols.length === 0) return new Map();
  if (symbols.length > MAX_EXTERNS) {
    throw new ObjectFormatError(elf.name, `${symbols.length} externs`, `at most ${MAX_EXTERNS}`);
  }
  const declared = btf ? declaredExterns(btf) : new Map<string, Declared>();
  const found = symbols.map((symbol) => externOf(elf, symbol, { btf, declared }));
  const placed = placeKconfig(found);
  return new Map(placed.map((each) => [each.name, each]));
}

function isExtern({ index, name, section, type, binding }: ElfSymbol): boolean {
  return index > 0 && name !== "" && section === undefined && type === STT.NOTYPE &&
    (binding === STB.GLOBAL || binding === STB.WEAK);
}

interface Declared {
  readonly section: string;
  readonly type: BtfType;
}

function declaredExterns(btf: Btf): Map<string, Declared> {
  const declared = new Map<string, Declared>();
  for (const section of [KCONFIG, KSYMS]) {
    for (const { type: id } of btf.find("dataSection", section)?.variables ?? []) {
      const type = btf.type(id);
      if (type.kind === "variable" || type.kind === "function") {
        declared.set(type.name, { section, type });
      }
    }
  }
  return declared;
}

function externOf(
  elf: ElfFile,
  symbol: ElfSymbol,
  { btf, declared }: { btf: Btf | undefined; declared: ReadonlyMap<string, Declared> },
): ExternSpec {
  const { name } = symbol;
  const weak = symbol.binding === STB.WEAK;
  const found = declared.get(name);
  if (!btf || !found) {
    throw new ObjectFormatError(
      `${elf.name} extern ${name}`,
      "in neither .kconfig nor .ksyms",
      "__kconfig or __ksym, in an object built with -g",
    );
  }
  const { section, type } = found;
  if (section === KSYMS && type.kind === "function") {
    return { kind: "kfunc", name, weak, typeId: type.type };
  }
  if (type.kind !== "variable") {
    throw new ObjectFormatError(`${elf.name} extern ${name}`, "a function", "a variable");
  }
  if (section === KSYMS) {
    const typeless = btf.resolve(type.type).kind === "void";
    return { kind: "ksym", name, weak, typeId: typeless ? 0 : type.type };
  }
  const value = kconfigKind(btf, type.type);
  if (value === undefined) {
    throw new ObjectFormatError(
      `${elf.name} extern ${name}`,
      "a type that no configuration value has",
      "bool, char, char[], an integer or enum libbpf_tristate",
    );
  }
  const size = btf.sizeOf(type.type);
  if (size > MAX_VALUE) {
    throw new ObjectFormatError(
      `${elf.name} extern ${name}`,
      `${size} bytes`,
      `at most ${MAX_VALUE}`,
    );
  }
  return { kind: "kconfig", name, weak, typeId: type.type, size, offset: 0, ...value };
}

function kconfigKind(
  btf: Btf,
  id: number,
): { value: KconfigKind; signed: boolean } | undefined {
  const type = btf.resolve(id);
  if (type.kind === "int") {
    const { size, signed } = type;
    if (type.bool) return size === 1 ? { value: "bool", signed: false } : undefined;
    if (size === 1) return { value: "char", signed };
    return [2, 4, 8].includes(size) ? { value: "int", signed } : undefined;
  }
  if (type.kind === "enum") {
    const tristate = type.size === 4 && type.name === "libbpf_tristate";
    return tristate ? { value: "tristate", signed: false } : undefined;
  }
  if (type.kind !== "array" || type.count === 0) return undefined;
  const element = btf.resolve(type.type);
  const text = element.kind === "int" && element.size === 1 && !element.bool;
  return text ? { value: "string", signed: false } : undefined;
}

function alignmentOf({ value, size }: KconfigExtern): number {
  return value === "string" ? 1 : size;
}

/** Gives configuration values their places in `.kconfig`, in libbpf's order. */
function placeKconfig(externs: readonly ExternSpec[]): ExternSpec[] {
  const values = externs.filter((each) => each.kind === "kconfig");
  const byName = (a: ExternSpec, b: ExternSpec) => a.name < b.name ? -1 : 1;
  values.sort((a, b) => alignmentOf(b) - alignmentOf(a) || a.size - b.size || byName(a, b));
  let end = 0;
  const placed = values.map((each): KconfigExtern => {
    const offset = Math.ceil(end / alignmentOf(each)) * alignmentOf(each);
    end = offset + each.size;
    return { ...each, offset };
  });
  return [...placed, ...externs.filter((each) => each.kind !== "kconfig").sort(byName)];
}

/** The map that will hold the configuration values, or undefined if the object asks for none. */
export function kconfigMap(
  externs: ReadonlyMap<string, ExternSpec>,
  btf: Btf | undefined,
): MapSpec | undefined {
  const size = kconfigSize(externs);
  if (size === 0) return undefined;
  return {
    ...emptyMap(KCONFIG),
    type: MapType.ARRAY,
    keySize: 4,
    valueSize: size,
    maxEntries: 1,
    flags: MapFlags.MMAPABLE | MapFlags.RDONLY_PROG,
    valueTypeId: btf?.find("dataSection", KCONFIG)?.id ?? 0,
    contents: new Uint8Array(size),
    frozen: true,
  };
}

/** Bytes of all configuration values. */
export function kconfigSize(externs: ReadonlyMap<string, ExternSpec>): number {
  let size = 0;
  for (const each of externs.values()) {
    if (each.kind === "kconfig") size = Math.max(size, each.offset + each.size);
  }
  return size;
}
