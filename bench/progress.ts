const CLEAR_LINE = "\r\x1b[K";

/** Where progress is written. */
export interface ProgressOutput {
  isTerminal(): boolean;
  writeSync(bytes: Uint8Array): number;
}

/** One line on a terminal that is written over; nothing elsewhere. */
export class Progress implements Disposable {
  readonly #output: ProgressOutput;
  readonly #shown: boolean;

  constructor(output: ProgressOutput = Deno.stderr) {
    this.#output = output;
    this.#shown = output.isTerminal();
  }

  /** Replaces the line. */
  show(text: string): void {
    if (this.#shown) this.#output.writeSync(new TextEncoder().encode(CLEAR_LINE + text));
  }

  /** Clears the line. */
  [Symbol.dispose](): void {
    this.show("");
  }
}
