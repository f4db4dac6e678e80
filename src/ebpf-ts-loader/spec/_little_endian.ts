import type { ElfFile, ElfSection } from "../elf/elf_file.ts";
import { INSTRUCTION_SIZE, isCode } from "./_functions.ts";

/**
 * The object with its instructions in little-endian order, so that the rest of the package knows
 * one encoding. Global data stays as it is: what is in there has the target's own order.
 */
export function withLittleEndianCode(elf: ElfFile): ElfFile {
  if (elf.byteOrder === "little") return elf;
  return { ...elf, sections: elf.sections.map((each) => isCode(each) ? swapped(each) : each) };
}

function swapped(section: ElfSection): ElfSection {
  const bytes = section.bytes.slice();
  const view = new DataView(bytes.buffer);
  for (let at = 0; at + INSTRUCTION_SIZE <= bytes.length; at += INSTRUCTION_SIZE) {
    // Two 4-bit fields: a big-endian compiler puts the destination register first.
    const registers = view.getUint8(at + 1);
    view.setUint8(at + 1, (registers << 4) | (registers >> 4));
    view.setUint16(at + 2, view.getUint16(at + 2, false), true);
    view.setUint32(at + 4, view.getUint32(at + 4, false), true);
  }
  return { ...section, bytes };
}
