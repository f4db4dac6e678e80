import type { FuzzProgress } from "../fuzz/fuzz.ts";
import { Progress } from "./progress.ts";

/** What ends a run. */
export interface FuzzLimits {
  readonly packets: number | undefined;
  readonly seconds: number | undefined;
}

/** The progress of a run on a terminal: how far it is, and how fast. */
export class FuzzProgressLine implements Disposable {
  readonly #line = new Progress();
  readonly #limits: FuzzLimits;

  constructor(limits: FuzzLimits) {
    this.#limits = limits;
  }

  update({ packets, worlds, seconds, shrinking }: FuzzProgress): void {
    const rate = (packets / seconds / 1e6).toFixed(2);
    const what = shrinking ? "shrinking a mismatch" : `${worlds} worlds, ${rate} M packets/s`;
    const million = Math.round(packets / 1e6);
    const { packets: most } = this.#limits;
    if (most !== undefined) this.#line.update(`${what}, M packets`, million, most / 1e6);
    else this.#line.update(what, Math.round(seconds), this.#limits.seconds ?? 0);
  }

  /** Removes the line. */
  [Symbol.dispose](): void {
    this.#line[Symbol.dispose]();
  }
}
