import type { Answer, SideAnswer } from "../explain/answer.ts";
import { sideJson } from "./answer_text.ts";

/** Bytes that a side takes in an answer, as each of the two. */
interface SideBytes {
  readonly egress: Uint8Array;
  readonly ingress: Uint8Array;
}

const FIRST_CAPACITY = 1 << 16;
/** Digits of the largest safe integer. */
const MAX_DIGITS = 16;
const ZERO = 48;

const encoder = new TextEncoder();
const HEAD = encoder.encode('{"id":');
const VERDICTS: Readonly<Record<Answer["verdict"], Uint8Array>> = {
  allowed: encoder.encode(',"verdict":"allowed","egress":'),
  denied: encoder.encode(',"verdict":"denied","egress":'),
  redirected: encoder.encode(',"verdict":"redirected","egress":'),
};
/** Twins give out few different sides, so each is encoded once. */
const sides = new WeakMap<SideAnswer, SideBytes>();

/**
 * Lines of JSON, one for each answer, as the bytes to be written: millions of them would
 * otherwise be put together as text and encoded again.
 */
export class AnswerBytes {
  #bytes = new Uint8Array(FIRST_CAPACITY);
  #length = 0;

  /** Appends `{"id","verdict","egress","ingress"}`. */
  addAnswer(id: string | number, { verdict, egress, ingress }: Answer): void {
    this.#append(HEAD);
    this.#appendId(id);
    this.#append(VERDICTS[verdict]);
    this.#append(bytesOf(egress).egress);
    this.#append(bytesOf(ingress).ingress);
  }

  /** Appends `{"id","error"}`. */
  addError(id: string | number, error: string): void {
    this.#append(HEAD);
    this.#appendId(id);
    this.#append(encoder.encode(`,"error":${JSON.stringify(error)}}\n`));
  }

  /** Takes what was appended, and starts over: the bytes hold until more is appended. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    return taken;
  }

  #append(part: Uint8Array): void {
    this.#reserve(part.length);
    this.#bytes.set(part, this.#length);
    this.#length += part.length;
  }

  #appendId(id: string | number): void {
    if (typeof id === "string" || !Number.isSafeInteger(id) || id < 0) {
      return this.#append(encoder.encode(JSON.stringify(id)));
    }
    this.#reserve(MAX_DIGITS);
    let digits = 1;
    for (let rest = id; rest >= 10; rest = Math.floor(rest / 10)) digits++;
    let at = this.#length += digits;
    for (let rest = id, i = 0; i < digits; rest = Math.floor(rest / 10), i++) {
      this.#bytes[--at] = ZERO + rest % 10;
    }
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(2 * (this.#length + count));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

function bytesOf(side: SideAnswer): SideBytes {
  let bytes = sides.get(side);
  if (bytes === undefined) {
    const text = sideJson(side);
    const egress = encoder.encode(`${text},"ingress":`);
    sides.set(side, bytes = { egress, ingress: encoder.encode(`${text}}\n`) });
  }
  return bytes;
}
