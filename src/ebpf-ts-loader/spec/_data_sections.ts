import type { Btf } from "../btf/btf.ts";
import type { BtfVariable } from "../btf/types.ts";
import { type ElfFile, type ElfSection, type ElfSymbol, SHF, STT } from "../elf/elf_file.ts";
import { ObjectFormatError } from "../errors.ts";
import { emptyMap } from "./empty_map.ts";
import type { MapSpec, VariableSpec } from "./collection_spec.ts";
import { MapFlags, MapType } from "./map_types.ts";

const DATA_NAME = /^\.(rodata|data|bss)(\.|$)/;

/** True for a section of global variables. */
export function isData(section: ElfSection): boolean {
  return DATA_NAME.test(section.name) && (section.flags & SHF.ALLOC) !== 0 && section.size > 0;
}

/**
 * The one-element array map that holds a section of global variables. Pointers in initialisers
 * (`const char *const names[]`) stay what the compiler wrote, as with libbpf: an address inside a
 * map is not known, and the verifier refuses to follow what is none.
 */
export function dataMap(section: ElfSection, btf: Btf | undefined): MapSpec {
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
    const declared = declaredVariables(btf, section.name);
    for (const symbol of elf.symbolsOf.get(section.index) ?? []) {
      if (symbol.type !== STT.OBJECT) continue;
      requireInside(elf, section, symbol);
      const variable = declared.get(symbol.name);
      const typeId = variable?.type ?? 0;
      const tags = variable && btf ? btf.tagsOf(variable.id) : [];
      const { name, value: offset, size } = symbol;
      if (typeId !== 0 && btf && btf.sizeOf(typeId) > size) {
        throw new ObjectFormatError(
          `${elf.name} variable ${name}`,
          `${size} bytes`,
          `its type's ${btf.sizeOf(typeId)}`,
        );
      }
      variables.set(name, { name, section: section.name, offset, size, typeId, tags });
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

function declaredVariables(btf: Btf | undefined, section: string): Map<string, BtfVariable> {
  const declared = new Map<string, BtfVariable>();
  for (const { type } of btf?.find("dataSection", section)?.variables ?? []) {
    const variable = btf?.type(type);
    if (variable?.kind === "variable") declared.set(variable.name, variable);
  }
  return declared;
}
