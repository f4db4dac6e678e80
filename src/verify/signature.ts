import type { Answer } from "./compare.ts";

/**
 * How classes answer. Two flows of one class must have equal answers, apart from what is
 * the flow's own: addresses, ports, time.
 */
export class Signatures {
  readonly #byClass: Uint32Array;
  readonly #numbers = new Map<string, number>();

  /** @param classes How many there are. */
  constructor(classes: number) {
    this.#byClass = new Uint32Array(classes);
  }

  /** Notes how a class answers. Returns false if it answered otherwise before. */
  note(index: number, answer: Answer): boolean {
    const known = this.#byClass[index] ?? 0;
    const number = this.#numberOf(answer);
    if (known === 0) this.#byClass[index] = number;
    return known === 0 || known === number;
  }

  #numberOf(answer: Answer): number {
    const text = signatureOf(answer);
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const number = this.#numbers.size + 1;
    this.#numbers.set(text, number);
    return number;
  }
}

function signatureOf({ output, events }: Answer): string {
  let text = `${output.verdict} ${output.mark}`;
  for (const e of events) {
    text += ` ${e.type} ${e.reason} ${e.direction} ${e.matchType} ${e.endpoint} ${e.verdict}` +
      ` ${e.ctState} ${e.source} ${e.destination} ${e.cookie} ${e.revision}`;
  }
  return text;
}
