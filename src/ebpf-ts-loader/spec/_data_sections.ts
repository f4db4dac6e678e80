import type { Btf } from "../btf/btf.ts";
import { type ElfFile, type ElfSection, type ElfSymbol, SHF, STT, STV } from "../elf/elf_file.ts";
import { ObjectFormatError } from "../errors.ts";
import { emptyMap } from "./_btf_maps.ts";
import type { MapSpec, VariableSpec } from "./collection_spec.ts";
import { MapFlags, MapType } from "./map_types.ts";

const DATA_NAME = /^\.(rodata|data|bss)(\.|$)/;

/** True for a section of global variables. */
export function isData(section: ElfSection): boolean {
  return DATA_NAME.test(section.name) && (section.flags & SHF.ALLOC) !== 0 && section.size > 0;
}

/** The one-element array map that holds a section of global variables. */
export function dataMap(elf: ElfFile, section: ElfSection, btf: Btf | undefined): MapSpec {
  if (elf.relocations.has(section.index)) {
    throw new ObjectFormatError(
      `${elf.name} ${section.name}`,
      "a pointer in global data",
      "no relocations there",
    );
  }
  const contents = new Uint8Array(section.size);
  contents.set(section.bytes);
  const readOnly = section.name.startsWith(".rodata");
  return {
    ...emptyMap(section.name),
    type: MapType.ARRAY,
    keySize: 4,
    valueSize: section.size,
    maxEntries: 1,
    flags: MapFlags.MMAPABLE | (readOnly ? MapFlags.RDONLY_PROG : 0),
    valueTypeId: btf?.find("dataSection", section.name)?.id ?? 0,
    contents,
    frozen: readOnly,
  };
}

/** The variables of the data sections by name. */
export function findVariables(
  elf: ElfFile,
  sections: readonly ElfSection[],
  btf: Btf | undefined,
): Map<string, VariableSpec> {
  const variables = new Map<string, VariableSpec>();
  for (const section of sections) {
    const types = variableTypes(btf, section.name);
    for (const symbol of elf.symbolsOf.get(section.index) ?? []) {
      if (symbol.type !== STT.OBJECT) continue;
      requireInside(elf, section, symbol);
      const typeId = types.get(symbol.name) ?? 0;
      const { name, value: offset, size } = symbol;
      if (typeId !== 0 && btf && btf.sizeOf(typeId) > size) {
        throw new ObjectFormatError(
          `${elf.name} variable ${name}`,
          `${size} bytes`,
          `its type's ${btf.sizeOf(typeId)}`,
        );
      }
      variables.set(name, { name, section: section.name, offset, size, typeId });
    }
  }
  return variables;
}

function requireInside(elf: ElfFile, section: ElfSection, symbol: ElfSymbol): void {
  if (symbol.value + symbol.size <= section.size) return;
  throw new ObjectFormatError(
    `${elf.name} variable ${symbol.name}`,
    `${symbol.value} + ${symbol.size}`,
    `inside the ${section.size} bytes of "${section.name}"`,
  );
}

function variableTypes(btf: Btf | undefined, section: string): Map<string, number> {
  const types = new Map<string, number>();
  for (const { type } of btf?.find("dataSection", section)?.variables ?? []) {
    const variable = btf?.type(type);
    if (variable?.kind === "variable") types.set(variable.name, variable.type);
  }
  return types;
}

const COMMON_SIZE = 12;
const VARIABLE_SIZE = 12;

/**
 * The BTF as the kernel wants it. clang leaves the sizes of data sections and the offsets of their
 * variables 0, and calls hidden functions global, which would verify them on their own.
 */
export function kernelBtf(elf: ElfFile, btf: Btf): Uint8Array<ArrayBuffer> {
  const bytes = btf.bytes.slice();
  const view = new DataView(bytes.buffer);
  const sections = new Map(elf.sections.map((section) => [section.name, section]));
  for (const dataSection of btf.ofKind("dataSection")) {
    const section = sections.get(dataSection.name);
    // Once each: a second BTF section of the name would repeat the work, and the kernel refuses it.
    sections.delete(dataSection.name);
    if (!section) continue;
    const at = btf.recordOffset(dataSection.id);
    view.setUint32(at + 8, section.size, true);
    const symbols = symbolOffsets(elf, section);
    dataSection.variables
      .map(({ type, size }) => ({ type, size, offset: offsetOf(btf, type, symbols) }))
      .sort((a, b) => a.offset - b.offset)
      .forEach(({ type, offset, size }, index) => {
        const entry = at + COMMON_SIZE + index * VARIABLE_SIZE;
        view.setUint32(entry, type, true);
        view.setUint32(entry + 4, offset, true);
        view.setUint32(entry + 8, size, true);
      });
  }
  const hidden = hiddenFunctions(elf);
  for (const each of btf.ofKind("function")) {
    // The linkage is the low half of the info word: 0 is static.
    if (hidden.has(each.name)) view.setUint16(btf.recordOffset(each.id) + 4, 0, true);
  }
  return bytes;
}

function symbolOffsets(elf: ElfFile, section: ElfSection): Map<string, number> {
  const here = elf.symbolsOf.get(section.index) ?? [];
  return new Map(here.map((symbol) => [symbol.name, symbol.value]));
}

function offsetOf(btf: Btf, type: number, symbols: ReadonlyMap<string, number>): number {
  const variable = btf.type(type);
  const offset = variable.kind === "variable" ? symbols.get(variable.name) : undefined;
  // A variable without symbol stays at 0; the kernel then names what is wrong.
  return offset ?? 0;
}

function hiddenFunctions(elf: ElfFile): Set<string> {
  const hidden = elf.symbols.filter(({ type, visibility }) =>
    type === STT.FUNC && (visibility === STV.HIDDEN || visibility === STV.INTERNAL)
  );
  return new Set(hidden.map((symbol) => symbol.name));
}
