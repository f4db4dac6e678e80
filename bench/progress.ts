const BAR_WIDTH = 20;
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

  /** Shows how much of something is done. */
  bar(text: string, done: number, total: number): void {
    const percent = Math.floor(100 * done / total);
    // A line for each step would cost more than the steps.
    if (this.#shown && done > 0 && percent === Math.floor(100 * (done - 1) / total)) return;
    const filled = Math.round(BAR_WIDTH * percent / 100);
    this.show(`[${"#".repeat(filled).padEnd(BAR_WIDTH, ".")}] ${percent} % ${text}`);
  }

  /** Clears the line. */
  [Symbol.dispose](): void {
    this.show("");
  }
}
