import { type ElfFile, type ElfSection, type ElfSymbol, SHF, SHT, STT } from "../elf/elf_file.ts";
import { ObjectFormatError } from "../errors.ts";

/** Bytes of one instruction. */
export const INSTRUCTION_SIZE = 8;

/** A function of an executable section; offsets in instructions. */
export interface CodeFunction {
  readonly name: string;
  readonly section: ElfSection;
  readonly symbol: ElfSymbol;
  /** First instruction inside the section. */
  readonly start: number;
  /** Instructions. */
  readonly length: number;
}

/** True for a section that holds instructions. */
export function isCode(section: ElfSection): boolean {
  return section.type === SHT.PROGBITS && (section.flags & SHF.EXECINSTR) !== 0 &&
    section.size > 0;
}

/** All functions by section index, each list sorted by start and without overlap. */
export function findFunctions(elf: ElfFile): Map<number, CodeFunction[]> {
  const functions = new Map<number, CodeFunction[]>();
  for (const symbol of elf.symbols) {
    if (symbol.type !== STT.FUNC || symbol.section === undefined) continue;
    const section = elf.sections[symbol.section];
    if (!section || !isCode(section)) {
      throw new ObjectFormatError(elf.name, `function "${symbol.name}" outside code`, "inside");
    }
    const { value, size } = symbol;
    const aligned = value % INSTRUCTION_SIZE === 0 && size % INSTRUCTION_SIZE === 0;
    if (!aligned || size === 0 || value + size > section.size) {
      throw new ObjectFormatError(
        `${elf.name} function ${symbol.name}`,
        `${value} + ${size} bytes`,
        `whole instructions inside the ${section.size} bytes of "${section.name}"`,
      );
    }
    const list = functions.get(section.index) ?? [];
    list.push({
      name: symbol.name,
      section,
      symbol,
      start: value / INSTRUCTION_SIZE,
      length: size / INSTRUCTION_SIZE,
    });
    functions.set(section.index, list);
  }
  for (const list of functions.values()) {
    list.sort((a, b) => a.start - b.start);
    refuseOverlap(list, elf.name);
  }
  return functions;
}

function refuseOverlap(list: readonly CodeFunction[], file: string): void {
  list.forEach((each, index) => {
    const next = list[index + 1];
    if (!next || each.start + each.length <= next.start) return;
    throw new ObjectFormatError(
      `${file} function ${each.name}`,
      `overlaps "${next.name}"`,
      "functions apart",
    );
  });
}

/** The function that contains an instruction of a section. */
export function functionAt(
  list: readonly CodeFunction[],
  instruction: number,
): CodeFunction | undefined {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const each = list[middle];
    if (each && each.start + each.length <= instruction) low = middle + 1;
    else high = middle;
  }
  const found = list[low];
  return found && found.start <= instruction ? found : undefined;
}
