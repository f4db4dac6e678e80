import { RECORD_SIZE } from "../btf/extension.ts";
import type { ProgramSpec, ReferenceSpec } from "../spec/collection_spec.ts";
import {
  functionTarget,
  type Instruction,
  INSTRUCTION_BYTES,
  instructionsOf,
  isLongJump,
  jumpTarget,
} from "./instruction.ts";

/** Instructions to be put into a program. */
export interface Insertion {
  /** 8 bytes each, little-endian; their jumps are relative to each other. */
  readonly instructions: Uint8Array;
  /** What they refer to; the instruction's index is among the inserted ones. @default none */
  readonly references?: readonly ReferenceSpec[];
}

/** Distances that the 16 bits of a jump hold. */
const FARTHEST = 0x7fff;

/**
 * A copy of a program with instructions inserted, each before the instruction whose index is its
 * key. Whatever jumps to that instruction, or calls it, runs the inserted ones first. Jumps, calls,
 * references, functions, BTF and CO-RE records go where the instructions went.
 *
 * @throws {RangeError} If a key is not the index of an instruction, or a jump gets too long.
 *
 * @example Usage
 * ```ts
 * import { insertInstructions, parseObject } from "ebpf-ts-loader";
 * import { assertEquals } from "@std/assert";
 * const spec = parseObject(await Deno.readFile("tests/ebpf-ts-loader/fixtures/tc.bpf.o"));
 * const program = spec.programs.get("loops");
 * if (!program) throw new TypeError("no program");
 * const clearResult = { instructions: Uint8Array.of(0xb7, 0, 0, 0, 0, 0, 0, 0) }; // r0 = 0
 * const longer = insertInstructions(program, new Map([[0, clearResult]]));
 * assertEquals(longer.instructions.length, program.instructions.length + 8);
 * ```
 */
export function insertInstructions(
  program: ProgramSpec,
  insertions: ReadonlyMap<number, Insertion>,
): ProgramSpec {
  const places = new Places(program, insertions);
  const instructions = places.copied(program.instructions);
  const view = new DataView(instructions.buffer);
  for (const instruction of instructionsOf(program.instructions)) {
    pointAgain(view, instruction, { places, program });
  }
  return {
    ...program,
    instructions,
    references: places.references(program.references),
    externs: program.externs.map((e) => ({ ...e, instruction: places.moved(e.instruction) })),
    functions: program.functions.map((f) => ({ ...f, instruction: places.entry(f.instruction) })),
    functionInfo: withIndexes(program.functionInfo, RECORD_SIZE.functions, (i) => places.entry(i)),
    lineInfo: withIndexes(program.lineInfo, RECORD_SIZE.lines, (i) => places.entry(i)),
    coreRelocations: withIndexes(
      program.coreRelocations,
      RECORD_SIZE.coreRelocations,
      (bytes) => places.moved(bytes / INSTRUCTION_BYTES) * INSTRUCTION_BYTES,
    ),
  };
}

/** Where the instructions of a program end up. */
class Places {
  readonly #insertions: ReadonlyMap<number, Insertion>;
  /** Slots inserted before each slot, its own included; the last is for what lies behind. */
  readonly #before: Uint32Array;

  constructor(program: ProgramSpec, insertions: ReadonlyMap<number, Insertion>) {
    const count = program.instructions.length / INSTRUCTION_BYTES;
    requireInstructions(program, insertions);
    this.#insertions = new Map([...insertions].sort(([a], [b]) => a - b));
    this.#before = new Uint32Array(count + 1);
    let sum = 0;
    for (let i = 0; i <= count; i++) {
      sum += slotsOf(insertions.get(i));
      this.#before[i] = sum;
    }
  }

  get #count(): number {
    return this.#before.length - 1;
  }

  /** Of the instruction itself. */
  moved(index: number): number {
    if (index < 0) return index;
    return index + (this.#before[Math.min(index, this.#count)] ?? 0);
  }

  /** Of what is inserted before it. */
  entry(index: number): number {
    return this.moved(index) - slotsOf(this.#insertions.get(index));
  }

  copied(instructions: Uint8Array): Uint8Array<ArrayBuffer> {
    const longer = new Uint8Array(this.moved(this.#count) * INSTRUCTION_BYTES);
    let from = 0;
    const copyUntil = (to: number) => {
      const part = instructions.subarray(from * INSTRUCTION_BYTES, to * INSTRUCTION_BYTES);
      longer.set(part, this.moved(from) * INSTRUCTION_BYTES);
      from = to;
    };
    for (const [index, insertion] of this.#insertions) {
      copyUntil(index);
      longer.set(insertion.instructions, this.entry(index) * INSTRUCTION_BYTES);
    }
    copyUntil(this.#count);
    return longer;
  }

  references(old: readonly ReferenceSpec[]): ReferenceSpec[] {
    const inserted = [...this.#insertions].flatMap(([index, { references = [] }]) =>
      references.map((r) => ({ ...r, instruction: this.entry(index) + r.instruction }))
    );
    const kept = old.map((r) => ({ ...r, instruction: this.moved(r.instruction) }));
    return [...kept, ...inserted].sort((a, b) => a.instruction - b.instruction);
  }
}

function slotsOf(insertion: Insertion | undefined): number {
  return (insertion?.instructions.length ?? 0) / INSTRUCTION_BYTES;
}

function requireInstructions(
  { name, instructions }: ProgramSpec,
  insertions: ReadonlyMap<number, Insertion>,
): void {
  const known = new Set(instructionsOf(instructions).map(({ index }) => index));
  for (const [index, insertion] of insertions) {
    if (!known.has(index)) {
      throw new RangeError(
        `Cannot insert into program "${name}": no instruction begins at ${index}, expected one`,
      );
    }
    if (Number.isInteger(slotsOf(insertion))) continue;
    throw new RangeError(
      `Cannot insert into program "${name}": ${insertion.instructions.length} bytes, ` +
        `expected a multiple of ${INSTRUCTION_BYTES}`,
    );
  }
}

/** Makes a jump, call or function's address lead to where its target went. */
function pointAgain(
  view: DataView,
  instruction: Instruction,
  { places, program }: { places: Places; program: ProgramSpec },
): void {
  const from = places.moved(instruction.index);
  const at = from * INSTRUCTION_BYTES;
  const callee = functionTarget(instruction);
  if (callee !== undefined) view.setInt32(at + 4, places.entry(callee) - from - 1, true);
  const target = jumpTarget(instruction);
  if (target === undefined) return;
  const distance = places.entry(target) - from - 1;
  if (isLongJump(instruction)) return view.setInt32(at + 4, distance, true);
  if (distance > FARTHEST || distance < -FARTHEST - 1) {
    throw new RangeError(
      `Cannot insert into program "${program.name}": a jump over ${distance} instructions, ` +
        `expected at most ${FARTHEST}`,
    );
  }
  view.setInt16(at + 2, distance, true);
}

/** Records that begin with an index, with other indexes. */
function withIndexes(
  records: Uint8Array,
  size: number,
  to: (index: number) => number,
): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(records);
  const view = new DataView(copy.buffer);
  for (let at = 0; at + size <= copy.length; at += size) {
    view.setUint32(at, to(view.getUint32(at, true)), true);
  }
  return copy;
}
