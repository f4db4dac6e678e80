const WIDTH = 30;
const INTERVAL_MS = 100;

/** A progress line on standard error; silent where that is not a terminal. */
export class Progress implements Disposable {
  readonly #visible = Deno.stderr.isTerminal();
  #next = 0;
  #shown = false;

  /** Shows how far a stage is. */
  update(stage: string, done: number, total: number): void {
    const now = performance.now();
    if (!this.#visible || now < this.#next) return;
    this.#next = now + INTERVAL_MS;
    this.#shown = true;
    const filled = total === 0 ? 0 : Math.min(WIDTH, Math.floor(done / total * WIDTH));
    const bar = "█".repeat(filled) + "░".repeat(WIDTH - filled);
    this.#write(`\r\x1b[K${stage} ${bar} ${done}/${total}`);
  }

  /** Removes the line. */
  [Symbol.dispose](): void {
    if (this.#shown) this.#write("\r\x1b[K");
  }

  #write(text: string): void {
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  }
}
