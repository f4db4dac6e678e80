import { type ByteOrder, ByteReader } from "../_reader.ts";

export type { ByteOrder };

/** Section types. */
export const SHT = { NULL: 0, PROGBITS: 1, SYMTAB: 2, STRTAB: 3, RELA: 4, NOBITS: 8, REL: 9 };

/** Section flags. */
export const SHF = { WRITE: 1, ALLOC: 2, EXECINSTR: 4 };

/** Symbol types. */
export const STT = { NOTYPE: 0, OBJECT: 1, FUNC: 2, SECTION: 3 };

/** Symbol bindings. */
export const STB = { LOCAL: 0, GLOBAL: 1, WEAK: 2 };

/** Symbol visibilities. */
export const STV = { DEFAULT: 0, INTERNAL: 1, HIDDEN: 2 };

/** A section of a relocatable object. */
export interface ElfSection {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  /** Bytes in memory; equal to `bytes.length` except for NOBITS. */
  readonly size: number;
  /** A view of the file; empty for NOBITS. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly link: number;
  readonly info: number;
}

/** A symbol; `section` is undefined for undefined and absolute symbols. */
export interface ElfSymbol {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly binding: number;
  readonly visibility: number;
  readonly section: number | undefined;
  readonly value: number;
  readonly size: number;
}

/** A relocation without addend (SHT_REL: the addend is in the instruction). */
export interface ElfRelocation {
  /** Byte offset inside the section. */
  readonly offset: number;
  readonly type: number;
  readonly symbol: ElfSymbol;
}

/** A parsed object; sections are views of the input, which must not change. */
export interface ElfFile {
  readonly name: string;
  /** Order of the object's own numbers: those inside its sections too. */
  readonly byteOrder: ByteOrder;
  readonly sections: readonly ElfSection[];
  readonly symbols: readonly ElfSymbol[];
  /** The symbols of each section, by its index. */
  readonly symbolsOf: ReadonlyMap<number, readonly ElfSymbol[]>;
  /** Relocations by the index of the section they change, sorted by offset. */
  readonly relocations: ReadonlyMap<number, readonly ElfRelocation[]>;
}

const CLASS_64 = 2;
const BYTE_ORDERS: readonly (ByteOrder | undefined)[] = [undefined, "little", "big"];
const EHDR_SIZE = 64;
const SHDR_SIZE = 64;
const SYM_SIZE = 24;
const REL_SIZE = 16;
const EM_BPF = 247;
const NAME_LIMIT = 1024;
const SHN_LORESERVE = 0xff00;
// A .bss has a size without bytes: bound what a tiny hostile file can make us allocate.
const NOBITS_LIMIT = 256 * 1024 * 1024;

/**
 * Reads a 64-bit relocatable BPF object of either byte order. Pure: no kernel, no permission.
 * Throws {@linkcode ObjectFormatError} on anything else.
 */
export function parseElf(bytes: Uint8Array<ArrayBuffer>, name: string): ElfFile {
  const byteOrder = checkIdent(new ByteReader(bytes, name));
  const reader = new ByteReader(bytes, name, byteOrder);
  checkHeader(reader);
  const sections = readSections(reader);
  const tables = sections.filter((section) => section.type === SHT.SYMTAB);
  if (tables.length > 1) throw reader.error(`${tables.length} symbol tables`, "one");
  const table = tables[0];
  const symbols = table ? readSymbols(reader, table, sections) : [];
  return {
    name,
    byteOrder,
    sections,
    symbols,
    symbolsOf: groupBySection(symbols),
    relocations: readRelocations(reader, sections, symbols),
  };
}

/** The part of the header that is the same in both byte orders, and says which one it is. */
function checkIdent(reader: ByteReader): ByteOrder {
  if (reader.length < EHDR_SIZE) {
    throw reader.error(`${reader.length} bytes`, `an ELF header of ${EHDR_SIZE}`);
  }
  const magic = reader.u32(0, "magic");
  if (magic !== 0x464c457f) {
    throw reader.error(`magic 0x${magic.toString(16)}`, "an ELF file (0x464c457f)");
  }
  const bits = reader.u8(4, "class");
  if (bits !== CLASS_64) throw reader.error(`class ${bits}`, `64-bit (${CLASS_64})`);
  const order = BYTE_ORDERS[reader.u8(5, "byte order")];
  if (order) return order;
  throw reader.error(`byte order ${reader.u8(5, "byte order")}`, "1 (little) or 2 (big)");
}

function checkHeader(reader: ByteReader): void {
  const machine = reader.u16(18, "machine");
  if (machine !== EM_BPF) throw reader.error(`machine ${machine}`, `BPF (${EM_BPF})`);
  const type = reader.u16(16, "type");
  if (type !== 1) throw reader.error(`ELF type ${type}`, "a relocatable object (1)");
}

function readSections(reader: ByteReader): ElfSection[] {
  const offset = reader.u64(40, "section table offset");
  const entrySize = reader.u16(58, "section header size");
  const count = reader.u16(60, "section count");
  const namesIndex = reader.u16(62, "name section");
  if (entrySize !== SHDR_SIZE) {
    throw reader.error(`section headers of ${entrySize} bytes`, `${SHDR_SIZE}`);
  }
  if (count === 0 || namesIndex >= count) {
    throw reader.error(`${count} sections, names in ${namesIndex}`, "a section with the names");
  }
  reader.slice(offset, count * SHDR_SIZE, "section table");

  const names = sectionNames(reader, offset + namesIndex * SHDR_SIZE);
  const sections: ElfSection[] = [];
  let total = 0;
  let zeroed = 0;
  for (let index = 0; index < count; index++) {
    const section = readSection(reader, offset + index * SHDR_SIZE, index, names);
    total += section.bytes.length;
    zeroed += section.type === SHT.NOBITS ? section.size : 0;
    // Sections of a real object do not overlap; overlapping ones multiply the work.
    if (total > reader.length) {
      throw reader.error(`sections of ${total} bytes`, `at most the file's ${reader.length}`);
    }
    if (zeroed > NOBITS_LIMIT) {
      throw reader.error(`${zeroed} bytes without contents (.bss)`, `at most ${NOBITS_LIMIT}`);
    }
    sections.push(section);
  }
  return sections;
}

function sectionNames(reader: ByteReader, header: number): ByteReader {
  const offset = reader.u64(header + 24, "section names offset");
  const size = reader.u64(header + 32, "section names size");
  const names = reader.slice(offset, size, "section names");
  return new ByteReader(names, reader.subject, reader.byteOrder);
}

function readSection(
  reader: ByteReader,
  at: number,
  index: number,
  names: ByteReader,
): ElfSection {
  const type = reader.u32(at + 4, "section type");
  const size = type === SHT.NULL ? 0 : reader.u64(at + 32, "section size");
  const name = type === SHT.NULL
    ? ""
    : names.string(reader.u32(at, "name"), NAME_LIMIT, `name of section ${index}`);
  const inFile = type !== SHT.NULL && type !== SHT.NOBITS;
  const offset = inFile ? reader.u64(at + 24, "section offset") : 0;
  return {
    index,
    name,
    type,
    flags: reader.u64(at + 8, "section flags"),
    size,
    bytes: reader.slice(offset, inFile ? size : 0, `section "${name}"`),
    link: reader.u32(at + 40, "section link"),
    info: reader.u32(at + 44, "section info"),
  };
}

function part(reader: ByteReader, { bytes, name }: ElfSection): ByteReader {
  return new ByteReader(bytes, `${reader.subject} ${name}`, reader.byteOrder);
}

function recordCount(reader: ByteReader, section: ElfSection, size: number): number {
  if (section.size % size !== 0) {
    throw reader.error(
      `section "${section.name}" of ${section.size} bytes`,
      `a multiple of ${size}`,
    );
  }
  return section.size / size;
}

function readSymbols(
  reader: ByteReader,
  table: ElfSection,
  sections: readonly ElfSection[],
): ElfSymbol[] {
  const strings = sections[table.link];
  if (strings?.type !== SHT.STRTAB) {
    throw reader.error(`symbol names in section ${table.link}`, "a string table");
  }
  const names = part(reader, strings);
  const body = part(reader, table);
  return Array.from({ length: recordCount(reader, table, SYM_SIZE) }, (_, index) => {
    const at = index * SYM_SIZE;
    const info = body.u8(at + 4, "symbol info");
    const shndx = body.u16(at + 6, "symbol section");
    const section = shndx === 0 || shndx >= SHN_LORESERVE ? undefined : shndx;
    if (section !== undefined && section >= sections.length) {
      throw body.error(`symbol ${index} in section ${section}`, `below ${sections.length}`);
    }
    return {
      index,
      name: names.string(body.u32(at, "symbol name"), NAME_LIMIT, `name of symbol ${index}`),
      type: info & 0xf,
      binding: info >> 4,
      visibility: body.u8(at + 5, "symbol visibility") & 3,
      section,
      value: body.u64(at + 8, `value of symbol ${index}`),
      size: body.u64(at + 16, `size of symbol ${index}`),
    };
  });
}

function groupBySection(symbols: readonly ElfSymbol[]): Map<number, ElfSymbol[]> {
  const groups = new Map<number, ElfSymbol[]>();
  for (const symbol of symbols) {
    if (symbol.section === undefined) continue;
    const group = groups.get(symbol.section);
    if (group) group.push(symbol);
    else groups.set(symbol.section, [symbol]);
  }
  return groups;
}

function readRelocations(
  reader: ByteReader,
  sections: readonly ElfSection[],
  symbols: readonly ElfSymbol[],
): Map<number, ElfRelocation[]> {
  const relocations = new Map<number, ElfRelocation[]>();
  for (const section of sections) {
    if (section.type !== SHT.REL) continue;
    const target = sections[section.info];
    if (section.info === 0 || !target) {
      throw reader.error(`"${section.name}" for section ${section.info}`, "an existing section");
    }
    const body = part(reader, section);
    const list = relocations.get(target.index) ?? [];
    const count = recordCount(reader, section, REL_SIZE);
    for (let index = 0; index < count; index++) {
      list.push(readRelocation(body, index, { target, symbols }));
    }
    relocations.set(target.index, list);
  }
  for (const list of relocations.values()) list.sort((a, b) => a.offset - b.offset);
  return relocations;
}

function readRelocation(
  body: ByteReader,
  index: number,
  context: { target: ElfSection; symbols: readonly ElfSymbol[] },
): ElfRelocation {
  const at = index * REL_SIZE;
  const offset = body.u64(at, "relocation offset");
  // One 64-bit number: the symbol in its high half, the type in its low one.
  const [typeAt, symbolAt] = body.byteOrder === "little" ? [8, 12] : [12, 8];
  const symbolIndex = body.u32(at + symbolAt, "relocation symbol");
  const symbol = context.symbols[symbolIndex];
  if (!symbol) {
    throw body.error(
      `relocation ${index} for symbol ${symbolIndex}`,
      `a symbol below ${context.symbols.length}`,
    );
  }
  if (offset >= context.target.size) {
    throw body.error(
      `relocation ${index} at ${offset}`,
      `inside the ${context.target.size} bytes of "${context.target.name}"`,
    );
  }
  return { offset, type: body.u32(at + typeAt, "relocation type"), symbol };
}
