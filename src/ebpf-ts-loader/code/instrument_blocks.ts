/**
 * Coverage of programs: copies that note which of their basic blocks have run.
 *
 * @module
 */
import type { CollectionSpec, MapSpec, ProgramSpec } from "../spec/collection_spec.ts";
import { emptyMap } from "../spec/empty_map.ts";
import { MapFlags, MapType } from "../spec/map_types.ts";
import { insertInstructions, type Insertion } from "./insert_instructions.ts";
import {
  endsBlock,
  type Instruction,
  INSTRUCTION_BYTES,
  instructionsOf,
  jumpTarget,
  OPCODE,
} from "./instruction.ts";
import { liveRegisters } from "./live_registers.ts";
import { type SourceLine, SourceLines } from "./source_line.ts";

/** Instructions that control enters at the first of, and runs to the last of. */
export interface CodeBlock {
  /** Name of the program. */
  readonly program: string;
  /** Name of the function of the program. */
  readonly function: string;
  /** Its first instruction, in the program as it was. */
  readonly instruction: number;
  /** The line of its first instruction; `undefined` if the object does not say. */
  readonly source: SourceLine | undefined;
  /**
   * Offset of its byte in the map's value; `undefined` if it cannot be noted, because every
   * register is in use throughout.
   */
  readonly counter: number | undefined;
}

/** What {@linkcode instrumentBlocks} has made. */
export interface InstrumentedSpec {
  /** The copy, with one map more. */
  readonly spec: CollectionSpec;
  /** Name of that map: an array of one value, a byte for each block, that can be mapped. */
  readonly map: string;
  /** The blocks of all programs, in the object's order. */
  readonly blocks: readonly CodeBlock[];
}

/** Options of {@linkcode instrumentBlocks}. */
export interface InstrumentOptions {
  /** Name of the map to add; at most 15 characters. @default "block_hits" */
  readonly map?: string;
}

/**
 * A copy of a specification whose programs store 1 into a byte of their own in each basic block
 * that runs. A block begins where a function begins, where a jump leads to, and behind jumps and
 * tail calls. A function that several programs call has blocks in each of them.
 *
 * The store needs a register that nobody reads any more, so it neither spills nor changes anything
 * but the time that programs take. The verifier sees two instructions more for each block. Loading
 * requires Linux 5.5 (maps in memory).
 *
 * @throws {TypeError} If the object has a map of that name.
 * @throws {RangeError} If a jump gets longer than its 16 bits.
 *
 * @example Usage
 * ```ts
 * import { instrumentBlocks, loadCollection, parseObject } from "ebpf-ts-loader";
 * async function neverRun(path: string, packet: Uint8Array) {
 *   const { spec, map, blocks } = instrumentBlocks(parseObject(await Deno.readFile(path), path));
 *   using collection = loadCollection(spec);
 *   collection.program("from_container").testRun({ data: packet });
 *   const hits = collection.map(map).lookup(0);
 *   return blocks.filter(({ counter }) => counter !== undefined && hits?.[counter] === 0)
 *     .map(({ source }) => source && `${source.file}:${source.line} ${source.text}`);
 * }
 * ```
 */
export function instrumentBlocks(
  spec: CollectionSpec,
  { map = "block_hits" }: InstrumentOptions = {},
): InstrumentedSpec {
  if (spec.maps.has(map)) {
    throw new TypeError(
      `Cannot add map "${map}": in "${spec.name}" already, expected another name`,
    );
  }
  const blocks: CodeBlock[] = [];
  const programs = new Map<string, ProgramSpec>();
  let bytes = 0;
  for (const [name, program] of spec.programs) {
    const insertions = new Map<number, Insertion>();
    for (const { at, ...block } of blocksOf(program, spec)) {
      const counter = at === undefined ? undefined : bytes++;
      blocks.push({ ...block, counter });
      if (at !== undefined && counter !== undefined) {
        insertions.set(at.instruction, storeOne(at.register, { map, valueOffset: counter }));
      }
    }
    programs.set(name, insertInstructions(program, insertions));
  }
  const maps = new Map([...spec.maps, [map, hitsMap(map, bytes)]]);
  return { spec: { ...spec, maps, programs }, map, blocks };
}

/** Where a register is free. */
interface FreeRegister {
  readonly instruction: number;
  readonly register: number;
}

function* blocksOf(
  program: ProgramSpec,
  { btf }: CollectionSpec,
): Generator<Omit<CodeBlock, "counter"> & { readonly at: FreeRegister | undefined }> {
  const live = liveRegisters(program, btf);
  const lines = new SourceLines(program, btf);
  for (const block of splitAtStarts(program)) {
    const instruction = block[0]?.index ?? 0;
    const within = program.functions.findLast((f) => f.instruction <= instruction);
    yield {
      program: program.name,
      function: within?.name ?? program.name,
      instruction,
      source: lines.at(instruction),
      at: firstFree(block, live),
    };
  }
}

function splitAtStarts(program: ProgramSpec): Instruction[][] {
  const all = [...instructionsOf(program.instructions)];
  const starts = new Set(program.functions.map(({ instruction }) => instruction));
  for (const instruction of all) {
    const target = jumpTarget(instruction);
    if (target !== undefined) starts.add(target);
    if (endsBlock(instruction)) starts.add(instruction.index + 1);
  }
  const blocks: Instruction[][] = [];
  for (const instruction of all) {
    if (starts.has(instruction.index) || blocks.length === 0) blocks.push([instruction]);
    else blocks.at(-1)?.push(instruction);
  }
  return blocks;
}

/** r10, the frame pointer, cannot be written. */
const REGISTERS = 10;

function firstFree(
  block: readonly Instruction[],
  live: Uint16Array,
): FreeRegister | undefined {
  for (const { index } of block) {
    const free = ~(live[index] ?? 0) & (1 << REGISTERS) - 1;
    if (free !== 0) return { instruction: index, register: Math.clz32(free & -free) ^ 31 };
  }
  return undefined;
}

/** `register = &value[counter]; *(u8 *)register = 1`. */
function storeOne(
  register: number,
  to: { readonly map: string; readonly valueOffset: number },
): Insertion {
  const instructions = new Uint8Array(3 * INSTRUCTION_BYTES);
  instructions[0] = OPCODE.LOAD_64;
  instructions[1] = register;
  instructions.set([STORE_BYTE, register, 0, 0, 1], 2 * INSTRUCTION_BYTES);
  return { instructions, references: [{ instruction: 0, ...to }] };
}

/** `*(u8 *)(destination + offset) = immediate` */
const STORE_BYTE = 0x72;

function hitsMap(name: string, bytes: number): MapSpec {
  return {
    ...emptyMap(name),
    type: MapType.ARRAY,
    keySize: 4,
    valueSize: Math.max(bytes, 1),
    maxEntries: 1,
    flags: MapFlags.MMAPABLE,
  };
}
