import type { Btf, ProgramSpec } from "ebpf-ts-loader";

/** `struct bpf_line_info`: instruction, file name, line text, line << 10 | column; u32 each. */
const RECORD_BYTES = 16;
const COLUMN_BITS = 10;

/** The C behind a program's instructions, from the line records of its BTF. */
export class SourceLines {
  readonly #records: readonly { instruction: number; line: string; place: string }[];

  constructor({ lineInfo }: ProgramSpec, btf: Btf | undefined) {
    const view = new DataView(lineInfo.buffer, lineInfo.byteOffset, lineInfo.byteLength);
    const count = btf === undefined ? 0 : lineInfo.byteLength / RECORD_BYTES;
    this.#records = Array.from({ length: count }, (_, i) => {
      const word = (n: number) => view.getUint32(i * RECORD_BYTES + n * 4, true);
      const file = btf?.string(word(1)).split("/").at(-1) ?? "";
      return {
        instruction: word(0),
        line: btf?.string(word(2)).trim() ?? "",
        place: file === "" ? "" : `${file}:${word(3) >>> COLUMN_BITS}`,
      };
    });
  }

  /** The line that an instruction was compiled from; empty texts if it is not known. */
  at(instruction: number): { readonly line: string; readonly place: string } {
    const record = this.#records.findLast((r) => r.instruction <= instruction);
    return { line: record?.line ?? "", place: record?.place ?? "" };
  }
}
