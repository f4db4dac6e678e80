import { Btf } from "../btf/btf.ts";
import { NO_EXTENSION, parseBtfExtension } from "../btf/extension.ts";
import { type ElfFile, type ElfSection, parseElf, STB } from "../elf/elf_file.ts";
import { NotSupportedError, ObjectFormatError } from "../errors.ts";
import { applySlots, parseBtfMaps, type PlacedMap } from "./_btf_maps.ts";
import type { CollectionSpec, MapSpec, ProgramSpec } from "./collection_spec.ts";
import { dataMap, findVariables, isData } from "./_data_sections.ts";
import { findExterns, kconfigMap } from "./_externs.ts";
import { type CodeFunction, findFunctions, functionAt, INSTRUCTION_SIZE } from "./_functions.ts";
import { kernelBtf } from "./_kernel_btf.ts";
import { linkFunctions, type LinkInput } from "./_link_functions.ts";
import { withLittleEndianCode } from "./_little_endian.ts";
import { sectionKind } from "./section_kind.ts";

/**
 * Reads a compiled BPF object (ELF with BTF) into plain data. Deterministic: the same bytes give
 * the same specification on any machine; no kernel or permission is needed. `bytes` is copied.
 *
 * Both byte orders are read: instructions, BTF and their records come out little-endian, global
 * data as the target has it, with the order in `byteOrder`.
 *
 * Throws {@linkcode ObjectFormatError} for anything malformed, and {@linkcode NotSupportedError}
 * for struct_ops.
 *
 * @example Usage
 * ```ts
 * import { parseObject } from "ebpf-ts-loader";
 * import { assertEquals } from "@std/assert";
 * const path = "tests/ebpf-ts-loader/fixtures/tc.bpf.o";
 * const spec = parseObject(await Deno.readFile(path), path);
 * assertEquals(spec.license, "Dual BSD/GPL");
 * ```
 */
export function parseObject(bytes: Uint8Array, name = "object"): CollectionSpec {
  const elf = withLittleEndianCode(parseElf(new Uint8Array(bytes), name));
  refuseStructOps(elf);
  const btf = parseBtf(elf);
  const dataSections = elf.sections.filter(isData);
  const functions = findFunctions(elf);
  const placed = placedMaps(elf, btf);
  const maps = collectMaps(elf, placed.map(({ spec }) => spec));
  for (const section of dataSections) {
    requireNewName(elf, "section", section.name, maps);
    maps.set(section.name, dataMap(section, btf));
  }
  const externs = findExterns(elf, btf);
  const kconfig = kconfigMap(externs, btf);
  if (kconfig) {
    requireNewName(elf, "section", kconfig.name, maps);
    maps.set(kconfig.name, kconfig);
  }
  const mapsSection = sectionNamed(elf, ".maps");
  if (mapsSection) {
    applySlots(elf, mapsSection, { maps: placed, functionName: programNames(functions) });
  }
  const input: LinkInput = {
    elf,
    functions,
    extension: parseExtension(elf, btf),
    resolveData: dataResolver(elf, { placed, dataSections, mapsSection }),
    externs,
    budget: { linked: 0 },
  };
  return {
    name,
    maps,
    programs: parsePrograms(input),
    variables: findVariables(elf, dataSections, btf),
    externs,
    byteOrder: elf.byteOrder,
    btf,
    kernelBtf: btf && kernelBtf(elf, btf, externs),
    license: parseLicense(elf),
  };
}

function refuseStructOps(elf: ElfFile): void {
  const found = elf.sections.find(({ name }) => /^\??\.?struct_ops(\.|\/|$)/.test(name));
  if (found) throw new NotSupportedError("read", elf.name, `struct_ops (section "${found.name}")`);
}

function collectMaps(elf: ElfFile, specs: readonly MapSpec[]): Map<string, MapSpec> {
  const maps = new Map<string, MapSpec>();
  for (const spec of specs) {
    requireNewName(elf, "map", spec.name, maps);
    maps.set(spec.name, spec);
  }
  return maps;
}

function requireNewName(
  elf: ElfFile,
  kind: string,
  name: string,
  known: ReadonlyMap<string, unknown>,
): void {
  // Names reach error messages, terminals and pin paths.
  if (!/^[\x21-\x7e]+$/.test(name) || name.includes("/")) {
    throw new ObjectFormatError(elf.name, `${kind} name "${name}"`, "visible ASCII without /");
  }
  if (!known.has(name)) return;
  throw new ObjectFormatError(elf.name, `${kind} "${name}" twice`, "once");
}

function sectionNamed(elf: ElfFile, name: string): ElfSection | undefined {
  return elf.sections.find((section) => section.name === name);
}

function parseBtf(elf: ElfFile): Btf | undefined {
  const section = sectionNamed(elf, ".BTF");
  return section && new Btf(section.bytes, `${elf.name} .BTF`);
}

function parseExtension(elf: ElfFile, btf: Btf | undefined): LinkInput["extension"] {
  const section = sectionNamed(elf, ".BTF.ext");
  if (!section || !btf) return NO_EXTENSION;
  return parseBtfExtension(section.bytes, btf, `${elf.name} .BTF.ext`);
}

function parseLicense(elf: ElfFile): string {
  const section = sectionNamed(elf, "license");
  if (!section) return "";
  const end = section.bytes.indexOf(0);
  if (end >= 0 && end <= 128) return new TextDecoder().decode(section.bytes.subarray(0, end));
  throw new ObjectFormatError(`${elf.name} license`, "no end", "a string of at most 128 bytes");
}

function placedMaps(elf: ElfFile, btf: Btf | undefined): PlacedMap[] {
  if (sectionNamed(elf, "maps")) {
    throw new ObjectFormatError(elf.name, 'a legacy "maps" section', "BTF maps in .maps");
  }
  const section = sectionNamed(elf, ".maps");
  if (!section) return [];
  if (!btf) throw new ObjectFormatError(`${elf.name} .maps`, "no BTF", "an object built with -g");
  return parseBtfMaps(elf, section, btf);
}

function isEntry({ section, symbol }: CodeFunction): boolean {
  return section.name !== ".text" && symbol.binding !== STB.LOCAL;
}

function programNames(
  functions: LinkInput["functions"],
): (section: number, value: number) => string | undefined {
  return (section, value) => {
    const found = functionAt(functions.get(section) ?? [], value / INSTRUCTION_SIZE);
    const starts = found?.start === value / INSTRUCTION_SIZE;
    return found && starts && isEntry(found) ? found.name : undefined;
  };
}

function dataResolver(
  elf: ElfFile,
  { placed, dataSections, mapsSection }: {
    placed: readonly PlacedMap[];
    dataSections: readonly ElfSection[];
    mapsSection: ElfSection | undefined;
  },
): LinkInput["resolveData"] {
  const mapAt = new Map(placed.map(({ offset, spec }) => [offset, spec.name]));
  const data = new Map(dataSections.map((section) => [section.index, section]));
  return ({ symbol }, addend) => {
    if (symbol.section === undefined) return undefined;
    const offset = symbol.value + addend;
    if (symbol.section === mapsSection?.index) {
      const map = mapAt.get(offset);
      if (map !== undefined) return { map, valueOffset: undefined };
      throw new ObjectFormatError(`${elf.name} .maps`, `a reference to ${offset}`, "a map's start");
    }
    const section = data.get(symbol.section);
    if (!section) return undefined;
    if (offset >= 0 && offset < section.size) return { map: section.name, valueOffset: offset };
    throw new ObjectFormatError(
      `${elf.name} ${section.name}`,
      `a reference to ${offset}`,
      `inside its ${section.size} bytes`,
    );
  };
}

function parsePrograms(input: LinkInput): Map<string, ProgramSpec> {
  const programs = new Map<string, ProgramSpec>();
  for (const list of input.functions.values()) {
    for (const code of list) {
      if (!isEntry(code)) continue;
      requireNewName(input.elf, "program", code.name, programs);
      programs.set(code.name, parseProgram(code, input));
    }
  }
  return programs;
}

function parseProgram(code: CodeFunction, input: LinkInput): ProgramSpec {
  const section = code.section.name.replace(/^\?/, "");
  const kind = sectionKind(section);
  if (!kind) {
    throw new ObjectFormatError(
      `${input.elf.name} program ${code.name}`,
      `section "${section}"`,
      "a known program type such as tc, xdp or socket",
    );
  }
  return {
    name: code.name,
    section,
    type: kind.type,
    expectedAttachType: kind.expectedAttachType,
    attachTo: kind.attachTo,
    attachBtf: kind.attachBtf,
    flags: kind.flags,
    autoload: section === code.section.name,
    ...linkFunctions(code, input),
  };
}
