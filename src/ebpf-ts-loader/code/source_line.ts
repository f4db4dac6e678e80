import type { Btf } from "../btf/btf.ts";
import { RECORD_SIZE } from "../btf/extension.ts";
import type { ProgramSpec } from "../spec/collection_spec.ts";

/** A line that instructions were compiled from. */
export interface SourceLine {
  /** As the compiler was given it: `./parse.h`. */
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** Without white space around. */
  readonly text: string;
}

const COLUMN_BITS = 10;

/**
 * The lines behind a program's instructions, from the line records of its BTF.
 *
 * @example Usage
 * ```ts
 * import { parseObject, SourceLines } from "ebpf-ts-loader";
 * import { assertEquals } from "@std/assert";
 * const spec = parseObject(await Deno.readFile("tests/ebpf-ts-loader/fixtures/tc.bpf.o"));
 * const program = spec.programs.get("tail_target");
 * if (!program) throw new TypeError("no program");
 * assertEquals(new SourceLines(program, spec.btf).at(0)?.text, "int tail_target(struct __sk_buff *skb)");
 * ```
 */
export class SourceLines {
  readonly #view: DataView;
  readonly #btf: Btf | undefined;

  /** @param btf The object's types; nothing is known without. */
  constructor({ lineInfo }: ProgramSpec, btf: Btf | undefined) {
    this.#view = new DataView(lineInfo.buffer, lineInfo.byteOffset, lineInfo.byteLength);
    this.#btf = btf;
  }

  /** The line that an instruction was compiled from; `undefined` if it is not known. */
  at(instruction: number): SourceLine | undefined {
    const record = this.#recordAt(instruction);
    if (record < 0 || this.#btf === undefined) return undefined;
    return {
      file: this.#btf.string(this.#word(record, 1)),
      line: this.#word(record, 3) >>> COLUMN_BITS,
      text: this.#btf.string(this.#word(record, 2)).trim(),
    };
  }

  /** `struct bpf_line_info`: instruction, file name, line text, line << 10 | column; u32 each. */
  #word(record: number, word: number): number {
    return this.#view.getUint32(record * RECORD_SIZE.lines + word * 4, true);
  }

  /** The last record that is not behind an instruction; -1 if all are. */
  #recordAt(instruction: number): number {
    let [low, high] = [0, Math.floor(this.#view.byteLength / RECORD_SIZE.lines)];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#word(middle, 0) <= instruction) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
