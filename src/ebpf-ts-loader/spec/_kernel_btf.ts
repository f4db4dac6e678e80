import type { Btf } from "../btf/btf.ts";
import type { BtfFunction } from "../btf/types.ts";
import { type ElfFile, type ElfSection, STT, STV } from "../elf/elf_file.ts";
import { ObjectFormatError } from "../errors.ts";
import { KCONFIG, kconfigSize } from "./_externs.ts";
import type { ExternSpec } from "./collection_spec.ts";

const COMMON_SIZE = 12;
const ENTRY_SIZE = 12;
const PARAMETER_SIZE = 8;
const KIND_UNION = 5;
const FUNCTION_STATIC = 0;
const FUNCTION_GLOBAL = 1;
const LINKAGE_EXTERN = 2;
const VARIABLE_GLOBAL = 1;
const WORD = 4;

/**
 * The BTF as the kernel wants it, changed in place so that type ids stay. clang leaves the sizes of
 * data sections and the offsets of their variables 0, and calls hidden functions global, which
 * would verify them on their own; externs are unknown to the kernel's BTF.
 */
export function kernelBtf(
  elf: ElfFile,
  btf: Btf,
  externs: ReadonlyMap<string, ExternSpec>,
): Uint8Array<ArrayBuffer> {
  const bytes = btf.bytes.slice();
  const view = new DataView(bytes.buffer);
  fillDataSections(view, elf, btf);
  hideFunctions(view, elf, btf);
  if (externs.size > 0) adoptExterns(view, { elf, btf, externs });
  return bytes;
}

function fillDataSections(view: DataView, elf: ElfFile, btf: Btf): void {
  const sections = new Map(elf.sections.map((section) => [section.name, section]));
  for (const dataSection of btf.ofKind("dataSection")) {
    const section = sections.get(dataSection.name);
    // Once each: a second BTF section of the name would repeat the work, and the kernel refuses it.
    sections.delete(dataSection.name);
    if (!section) continue;
    const at = btf.recordOffset(dataSection.id);
    view.setUint32(at + 8, section.size, true);
    const symbols = symbolOffsets(elf, section);
    const entries = dataSection.variables
      .map(({ type, size }) => ({ type, size, offset: offsetOf(btf, type, symbols) }));
    writeEntries(view, at, entries);
  }
}

interface Entry {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
}

function writeEntries(view: DataView, at: number, entries: Entry[]): void {
  entries.sort((a, b) => a.offset - b.offset).forEach(({ type, offset, size }, index) => {
    const entry = at + COMMON_SIZE + index * ENTRY_SIZE;
    view.setUint32(entry, type, true);
    view.setUint32(entry + 4, offset, true);
    view.setUint32(entry + 8, size, true);
  });
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

function hideFunctions(view: DataView, elf: ElfFile, btf: Btf): void {
  const hidden = new Set(
    elf.symbols.filter(({ type, visibility }) =>
      type === STT.FUNC && (visibility === STV.HIDDEN || visibility === STV.INTERNAL)
    ).map((symbol) => symbol.name),
  );
  for (const each of btf.ofKind("function")) {
    if (hidden.has(each.name)) setLinkage(view, btf, each.id, FUNCTION_STATIC);
  }
}

/** The low half of a function's info word. */
function setLinkage(view: DataView, btf: Btf, id: number, linkage: number): void {
  view.setUint16(btf.recordOffset(id) + 4, linkage, true);
}

function adoptExterns(
  view: DataView,
  { elf, btf, externs }: { elf: ElfFile; btf: Btf; externs: ReadonlyMap<string, ExternSpec> },
): void {
  const word = wordType(btf, elf);
  const sections = new Set([KCONFIG, ".ksyms"]);
  for (const section of btf.ofKind("dataSection")) {
    if (!sections.delete(section.name)) continue;
    const types = section.variables.map(({ type }) => btf.type(type));
    for (const type of types) {
      if (type.kind === "function") adoptFunction(view, btf, type);
      if (type.kind === "variable") adoptVariable(view, btf, type.id, section.name, word);
    }
    const at = btf.recordOffset(section.id);
    if (section.name !== KCONFIG) {
      forgetSection(view, at, { count: types.length, word });
      continue;
    }
    view.setUint32(at + 8, kconfigSize(externs), true);
    writeEntries(
      view,
      at,
      types.map(({ id, ...type }) => {
        const extern = "name" in type ? externs.get(type.name) : undefined;
        if (extern?.kind === "kconfig") {
          return { type: id, offset: extern.offset, size: extern.size };
        }
        throw new ObjectFormatError(`${elf.name} .BTF`, `type ${id} in .kconfig`, "an extern");
      }),
    );
  }
}

/** Any integer of 4 bytes: what an extern variable pretends to be, since its own may be void. */
function wordType(btf: Btf, elf: ElfFile): number {
  for (const type of btf.ofKind("int")) {
    if (type.size === WORD) return type.id;
  }
  throw new ObjectFormatError(`${elf.name} .BTF`, "externs without a 4-byte integer", "one");
}

function adoptVariable(view: DataView, btf: Btf, id: number, section: string, word: number): void {
  const at = btf.recordOffset(id);
  view.setUint32(at + COMMON_SIZE, VARIABLE_GLOBAL, true);
  if (section !== KCONFIG) view.setUint32(at + 8, word, true);
}

/** The kernel knows no extern functions, and wants every parameter of a function named. */
function adoptFunction(view: DataView, btf: Btf, type: BtfFunction): void {
  if (type.linkage === LINKAGE_EXTERN) setLinkage(view, btf, type.id, FUNCTION_GLOBAL);
  const prototype = btf.type(type.type);
  if (prototype.kind !== "prototype") return;
  const at = btf.recordOffset(prototype.id);
  const anyName = view.getUint32(btf.recordOffset(type.id), true);
  prototype.parameters.forEach(({ name, type: parameter }, index) => {
    if (name !== "" || parameter === 0) return;
    view.setUint32(at + COMMON_SIZE + index * PARAMETER_SIZE, anyName, true);
  });
}

/** Turns a data section, which may not hold functions, into a union of words that nobody uses. */
function forgetSection(
  view: DataView,
  at: number,
  { count, word }: { count: number; word: number },
): void {
  view.setUint32(at, 0, true);
  view.setUint32(at + 4, KIND_UNION << 24 | count, true);
  view.setUint32(at + 8, WORD, true);
  for (let index = 0; index < count; index++) {
    const entry = at + COMMON_SIZE + index * ENTRY_SIZE;
    view.setUint32(entry, 0, true);
    view.setUint32(entry + 4, word, true);
    view.setUint32(entry + 8, 0, true);
  }
}
