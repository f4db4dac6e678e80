/**
 * Which basic blocks of the datapath's programs have run.
 *
 * @module
 */
import { type CodeBlock, instrumentBlocks } from "ebpf-ts-loader";
import { readBpfObject } from "../datapath/bpf_objects.ts";
import { BLOCK_REASONS, type BlockReason } from "./block_reason.ts";

/** How many blocks of a program have run. */
export interface ProgramBlocks {
  readonly program: string;
  readonly blocks: number;
  readonly reached: number;
  /** Of those that were not reached: it is known why not. */
  readonly outOfReach: number;
  /** Nothing could be noted there: no register was free. */
  readonly notInstrumented: number;
}

/** A line of a program with blocks that have not run. */
export interface MissedLine {
  readonly program: string;
  readonly function: string;
  /** `parse.h:61`, or empty. */
  readonly place: string;
  /** The C of that line. */
  readonly line: string;
  /** How many. */
  readonly blocks: number;
}

/** The same, and why. */
export interface OutOfReachLine extends MissedLine {
  readonly why: string;
}

/** A reason that the programs do not bear out: nothing of it is left, or all of it was reached. */
export interface StaleReason {
  readonly program: string;
  readonly line: string;
  readonly why: string;
  readonly state: "no such block" | "reached";
}

/** What a run has reached of the programs. */
export interface BlockReport {
  readonly programs: readonly ProgramBlocks[];
  /** Could be reached as far as anybody knows, and was not. */
  readonly missed: readonly MissedLine[];
  readonly outOfReach: readonly OutOfReachLine[];
  readonly staleReasons: readonly StaleReason[];
}

/** What has run in any of several runs; `undefined` if none has noted it. */
export function mergedHits(
  runs: readonly (Uint8Array | undefined)[],
): Uint8Array<ArrayBuffer> | undefined {
  const noted = runs.filter((hits) => hits !== undefined);
  const length = noted[0]?.length;
  if (length === undefined) return undefined;
  return Uint8Array.from({ length }, (_, i) => noted.some((hits) => hits[i] === 1) ? 1 : 0);
}

/** Names the blocks of the datapath's programs that have run, and those that have not. */
export function datapathBlockReport(hits: Uint8Array): BlockReport {
  return blockReport(instrumentBlocks(readBpfObject("datapath")).blocks, hits, BLOCK_REASONS);
}

/**
 * Names the blocks that have run, and those that have not.
 *
 * @param hits A byte for each block's counter: 1 if it ran.
 */
export function blockReport(
  blocks: readonly CodeBlock[],
  hits: Uint8Array,
  reasons: readonly BlockReason[],
): BlockReport {
  const isReached = ({ counter }: CodeBlock) => counter !== undefined && hits[counter] === 1;
  const unknown: CodeBlock[] = [];
  const known: (CodeBlock & { readonly why: string })[] = [];
  const used = new Map<string, number>();
  for (const block of blocks.filter((b) => b.counter !== undefined && !isReached(b))) {
    const reason = reasons.find((row) => isAbout(row, block));
    const key = `${block.program} ${block.function} ${block.source?.text}`;
    const count = (used.get(key) ?? 0) + 1;
    used.set(key, count);
    if (reason === undefined || count > (reason.most ?? 1)) unknown.push(block);
    else known.push({ ...block, why: reason.text });
  }
  return {
    programs: programsOf(blocks).map((program) => {
      const own = (some: readonly CodeBlock[]) => some.filter((b) => b.program === program);
      return {
        program,
        blocks: own(blocks).length,
        reached: own(blocks).filter(isReached).length,
        outOfReach: own(known).length,
        notInstrumented: own(blocks).filter(({ counter }) => counter === undefined).length,
      };
    }),
    missed: linesOf(unknown),
    outOfReach: linesOf(known),
    staleReasons: [...staleReasons(blocks, reasons, isReached)],
  };
}

function isAbout({ lines, programs }: BlockReason, { program, source }: CodeBlock): boolean {
  return lines.includes(source?.text ?? "") && (programs?.includes(program) ?? true);
}

function programsOf(blocks: readonly CodeBlock[]): string[] {
  return [...new Set(blocks.map(({ program }) => program))];
}

/** One for each line of a function of a program; why it is out of reach tells lines apart, too. */
function linesOf<T extends CodeBlock>(
  blocks: readonly T[],
): (MissedLine & Omit<T, keyof CodeBlock>)[] {
  const lines = new Map<string, MissedLine & Omit<T, keyof CodeBlock>>();
  for (const { program, function: name, instruction: _, counter: __, source, ...rest } of blocks) {
    const file = source?.file.split("/").at(-1);
    const place = source === undefined ? "" : `${file}:${source.line}`;
    const key = JSON.stringify([program, name, place, rest]);
    const before = lines.get(key)?.blocks ?? 0;
    const line = source?.text ?? "";
    lines.set(key, { program, function: name, place, line, blocks: before + 1, ...rest });
  }
  return [...lines.values()];
}

function* staleReasons(
  blocks: readonly CodeBlock[],
  reasons: readonly BlockReason[],
  isReached: (block: CodeBlock) => boolean,
): Generator<StaleReason> {
  for (const row of reasons) {
    for (const line of row.lines) {
      for (const program of row.programs ?? programsOf(blocks)) {
        const about = blocks.filter((b) => b.program === program && b.source?.text === line);
        const stale = { program, line, why: row.text };
        if (about.length === 0) yield { ...stale, state: "no such block" };
        else if (about.every(isReached)) yield { ...stale, state: "reached" };
      }
    }
  }
}
