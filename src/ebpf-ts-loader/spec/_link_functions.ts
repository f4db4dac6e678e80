import { type BtfExtension, RECORD_SIZE, type SectionRecords } from "../btf/extension.ts";
import type { ElfFile, ElfRelocation } from "../elf/elf_file.ts";
import { NotSupportedError, ObjectFormatError } from "../errors.ts";
import type {
  ExternReferenceSpec,
  ExternSpec,
  ProgramSpec,
  ReferenceSpec,
} from "./collection_spec.ts";
import { KCONFIG } from "./_externs.ts";
import { type CodeFunction, functionAt, INSTRUCTION_SIZE } from "./_functions.ts";

// Instruction encoding; see linux/bpf.h.
const OP_CALL = 0x85;
const OP_LD_IMM64 = 0x18;
const PSEUDO_CALL = 1;
const PSEUDO_FUNC = 4;

// Relocation types; see Documentation/bpf/llvm_reloc.rst.
const R_BPF_64_64 = 1;
const R_BPF_64_32 = 10;

// BPF_MAX_SUBPROGS of the kernel; also bounds the recursion below.
const MAX_FUNCTIONS = 256;
// What all programs of a hostile object may grow to by appending the same functions.
const MAX_LINKED_BYTES = 64 * 1024 * 1024;

/** What a relocation's symbol stands for, where it is not a function. */
export type ResolveData = (
  relocation: ElfRelocation,
  addend: number,
) => Pick<ReferenceSpec, "map" | "valueOffset"> | undefined;

/** What a program is linked from. */
export interface LinkInput {
  readonly elf: ElfFile;
  readonly functions: ReadonlyMap<number, readonly CodeFunction[]>;
  readonly extension: BtfExtension;
  readonly resolveData: ResolveData;
  readonly externs: ReadonlyMap<string, ExternSpec>;
  /** Bytes linked so far, over all programs. */
  readonly budget: { linked: number };
}

/** The parts of a {@linkcode ProgramSpec} that linking makes. */
export type LinkedCode = Pick<
  ProgramSpec,
  | "instructions"
  | "references"
  | "externs"
  | "functions"
  | "functionInfo"
  | "lineInfo"
  | "coreRelocations"
>;

/**
 * Appends to `entry` every function it reaches, in libbpf's order (depth first, in the order of
 * the calls), so that the kernel computes the same tag; then points the calls at them.
 */
export function linkFunctions(entry: CodeFunction, input: LinkInput): LinkedCode {
  return new Linker(entry, input).link();
}

interface Placed {
  readonly code: CodeFunction;
  /** First instruction inside the program. */
  readonly at: number;
}

class Linker {
  readonly #entry: CodeFunction;
  readonly #input: LinkInput;
  readonly #placed = new Map<CodeFunction, Placed>();
  readonly #chunks: Uint8Array<ArrayBuffer>[] = [];
  readonly #references: ReferenceSpec[] = [];
  readonly #externs: ExternReferenceSpec[] = [];
  #length = 0;

  constructor(entry: CodeFunction, input: LinkInput) {
    this.#entry = entry;
    this.#input = input;
  }

  link(): LinkedCode {
    this.#append(this.#entry);
    const { extension } = this.#input;
    return {
      instructions: concatenate(this.#chunks),
      references: this.#references.sort((a, b) => a.instruction - b.instruction),
      externs: this.#externs.sort((a, b) => a.instruction - b.instruction),
      functions: [...this.#placed.values()].map(({ code, at }) => ({
        name: code.name,
        instruction: at,
      })),
      functionInfo: this.#records(extension.functions, RECORD_SIZE.functions, 1),
      lineInfo: this.#records(extension.lines, RECORD_SIZE.lines, 1),
      coreRelocations: this.#records(
        extension.coreRelocations,
        RECORD_SIZE.coreRelocations,
        INSTRUCTION_SIZE,
      ),
    };
  }

  #error(code: CodeFunction, state: string, expected: string): ObjectFormatError {
    const subject = `${this.#input.elf.name} function ${code.name}`;
    return new ObjectFormatError(subject, state, expected);
  }

  #append(code: CodeFunction): Placed {
    const known = this.#placed.get(code);
    if (known) return known;
    const placed: Placed = { code, at: this.#length };
    this.#placed.set(code, placed);
    this.#input.budget.linked += code.length * INSTRUCTION_SIZE;
    if (this.#placed.size > MAX_FUNCTIONS || this.#input.budget.linked > MAX_LINKED_BYTES) {
      throw this.#error(this.#entry, "too many called functions", `at most ${MAX_FUNCTIONS}`);
    }
    const from = code.start * INSTRUCTION_SIZE;
    const bytes = code.section.bytes.slice(from, from + code.length * INSTRUCTION_SIZE);
    this.#chunks.push(bytes);
    this.#length += code.length;
    this.#rewrite(placed, bytes);
    return placed;
  }

  #rewrite({ code, at }: Placed, bytes: Uint8Array<ArrayBuffer>): void {
    const view = new DataView(bytes.buffer);
    const relocations = relocationsOf(this.#input.elf, code);
    for (let index = 0; index < code.length; index++) {
      const offset = index * INSTRUCTION_SIZE;
      const opcode = view.getUint8(offset);
      const relocation = relocations.get(index);
      relocations.delete(index);
      const wide = opcode === OP_LD_IMM64;
      if (wide && index + 1 >= code.length) {
        throw this.#error(code, `half an instruction at ${index}`, "both halves");
      }
      const extern = relocation && this.#input.externs.get(relocation.symbol.name);
      if (relocation && extern && relocation.symbol.section === undefined) {
        this.#referExtern(code, { view, index, at, relocation, extern });
      } else if (wide && relocation) {
        this.#relocateWide(code, { view, index, at, relocation });
      } else if (opcode === OP_CALL && view.getUint8(offset + 1) >> 4 === PSEUDO_CALL) {
        const target = this.#callTarget(code, index, { view, relocation });
        view.setInt32(offset + 4, this.#append(target).at - (at + index) - 1, true);
      } else if (relocation) {
        throw this.#unsupported(code, relocation);
      }
      if (wide) index++;
    }
    const left = relocations.values().next().value;
    if (left) throw this.#unsupported(code, left);
  }

  /** What stands outside the object is known only once it is loaded, but where it goes is here. */
  #referExtern(
    code: CodeFunction,
    { view, index, at, relocation, extern }: {
      view: DataView;
      index: number;
      at: number;
      relocation: ElfRelocation;
      extern: ExternSpec;
    },
  ): void {
    const offset = index * INSTRUCTION_SIZE;
    const { type } = relocation;
    const opcode = view.getUint8(offset);
    const instruction = at + index;
    if (opcode === OP_LD_IMM64 && type === R_BPF_64_64) {
      if (extern.kind !== "kconfig") {
        this.#externs.push({ instruction, name: extern.name });
        return;
      }
      const valueOffset = extern.offset + view.getInt32(offset + 4, true);
      this.#references.push({ instruction, map: KCONFIG, valueOffset });
      return;
    }
    const call = opcode === OP_CALL && view.getUint8(offset + 1) >> 4 === PSEUDO_CALL;
    if (!call || type !== R_BPF_64_32 || extern.kind !== "kfunc") {
      throw this.#unsupported(code, relocation);
    }
    this.#externs.push({ instruction, name: extern.name });
  }

  #unsupported(code: CodeFunction, { type, symbol, offset }: ElfRelocation): Error {
    if (symbol.section === undefined) {
      return new NotSupportedError("link", code.name, `external symbol "${symbol.name}"`);
    }
    return this.#error(
      code,
      `relocation of type ${type} at ${offset} for "${symbol.name}"`,
      "a call, map, function or global variable",
    );
  }

  /** Function symbols carry −1 in the instruction, section symbols the target minus 1. */
  #callTarget(
    code: CodeFunction,
    index: number,
    { view, relocation }: { view: DataView; relocation: ElfRelocation | undefined },
  ): CodeFunction {
    const relative = view.getInt32(index * INSTRUCTION_SIZE + 4, true) + 1;
    if (!relocation) return this.#function(code, code.section.index, code.start + index + relative);
    const { symbol, type } = relocation;
    if (type !== R_BPF_64_32 || symbol.section === undefined) {
      throw this.#unsupported(code, relocation);
    }
    const base = symbol.value / INSTRUCTION_SIZE;
    return this.#function(code, symbol.section, base + relative);
  }

  #function(code: CodeFunction, section: number, instruction: number): CodeFunction {
    const found = functionAt(this.#input.functions.get(section) ?? [], instruction);
    if (found && found.start === instruction) return found;
    throw this.#error(
      code,
      `a reference to instruction ${instruction} of section ${section}`,
      "the first instruction of a function",
    );
  }

  #relocateWide(
    code: CodeFunction,
    { view, index, at, relocation }: {
      view: DataView;
      index: number;
      at: number;
      relocation: ElfRelocation;
    },
  ): void {
    const { symbol, type } = relocation;
    const offset = index * INSTRUCTION_SIZE;
    const addend = view.getInt32(offset + 4, true);
    if (type !== R_BPF_64_64 || symbol.section === undefined) {
      throw this.#unsupported(code, relocation);
    }
    const data = this.#input.resolveData(relocation, addend);
    if (data) {
      this.#references.push({ instruction: at + index, ...data });
      return;
    }
    if (!this.#input.functions.has(symbol.section)) throw this.#unsupported(code, relocation);
    const instruction = (symbol.value + addend) / INSTRUCTION_SIZE;
    const target = this.#append(this.#function(code, symbol.section, instruction));
    view.setUint8(offset + 1, (view.getUint8(offset + 1) & 0xf) | (PSEUDO_FUNC << 4));
    view.setInt32(offset + 4, target.at - (at + index) - 1, true);
    view.setInt32(offset + INSTRUCTION_SIZE + 4, 0, true);
  }

  /** Copies the records of the placed functions, with their offsets in units of 8 / `unit`. */
  #records(
    sections: SectionRecords,
    size: number,
    unit: 1 | typeof INSTRUCTION_SIZE,
  ): Uint8Array<ArrayBuffer> {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    for (const { code, at } of this.#placed.values()) {
      const all = sections.get(code.section.name);
      if (!all) continue;
      const view = new DataView(all.buffer, all.byteOffset, all.byteLength);
      const first = code.start * INSTRUCTION_SIZE;
      const end = first + code.length * INSTRUCTION_SIZE;
      const from = lowerBound(view, size, first);
      const to = lowerBound(view, size, end);
      const records = all.slice(from * size, to * size);
      const out = new DataView(records.buffer);
      for (let record = 0; record < records.length; record += size) {
        const instruction = at + (out.getUint32(record, true) - first) / INSTRUCTION_SIZE;
        if (!Number.isInteger(instruction)) {
          throw this.#error(code, "a record between instructions", "at an instruction");
        }
        out.setUint32(record, instruction * unit, true);
      }
      chunks.push(records);
    }
    return concatenate(chunks);
  }
}

/** Index of the first record whose offset is at least `offset`. */
function lowerBound(view: DataView, size: number, offset: number): number {
  let [low, high] = [0, view.byteLength / size];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (view.getUint32(middle * size, true) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function relocationsOf(elf: ElfFile, code: CodeFunction): Map<number, ElfRelocation> {
  const list = elf.relocations.get(code.section.index) ?? [];
  const first = code.start * INSTRUCTION_SIZE;
  const end = first + code.length * INSTRUCTION_SIZE;
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle]?.offset ?? Infinity) < first) low = middle + 1;
    else high = middle;
  }
  const found = new Map<number, ElfRelocation>();
  for (let each = list[low]; each && each.offset < end; each = list[++low]) {
    const index = (each.offset - first) / INSTRUCTION_SIZE;
    if (!Number.isInteger(index) || found.has(index)) {
      throw new ObjectFormatError(
        `${elf.name} function ${code.name}`,
        `a second or misplaced relocation at ${each.offset}`,
        "one per instruction",
      );
    }
    found.set(index, each);
  }
  return found;
}

function concatenate(chunks: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunks.reduce((total, chunk) => total + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
