/**
 * The thread that flips: swaps two policies by storing one word, again and again, at irregular
 * moments.
 */
import { MappedMemory, PROT } from "ebpf-ts-loader/sys";
import { CONTROL } from "./control.ts";

/** What the thread is told. */
export interface FlipperOrder {
  /** Of the map `policy_tables`. */
  readonly fd: number;
  /** Bytes of its memory. */
  readonly length: number;
  /** Number of the policy. */
  readonly cell: number;
  /** What the cell holds in turns. */
  readonly words: readonly [bigint, bigint];
  readonly control: Int32Array;
}

/** Longest wait between two flips, in rounds of a short loop: a few microseconds. */
const LONGEST_WAIT = 128;
/** Most flips without a rest. */
const LONGEST_BURST = 64;
/** Shorter than the kernel's timers resolve: others get their turn, and a packet a new policy. */
const REST_MS = 0.02;

declare const self: {
  onmessage: (event: MessageEvent<FlipperOrder>) => void;
  postMessage(done: true): void;
};

self.onmessage = ({ data }) => {
  flip(data);
  self.postMessage(true);
};

function flip({ fd, length, cell, words, control }: FlipperOrder): void {
  using tables = new MappedMemory({ fd, length, protection: PROT.READ | PROT.WRITE });
  const cells = new BigUint64Array(tables.buffer);
  let flips = 0;
  let random = 1;
  const below = (limit: number) => {
    random = Math.imul(random, 1103515245) + 12345 | 0;
    return (random >>> 8) % limit;
  };
  while (Atomics.load(control, CONTROL.STOP) === 0) {
    for (let burst = below(LONGEST_BURST); burst >= 0; burst--) {
      Atomics.store(cells, cell, words[++flips & 1] ?? words[0]);
      for (let left = below(LONGEST_WAIT); left > 0; left--) Atomics.load(control, CONTROL.STOP);
    }
    Atomics.store(control, CONTROL.FLIPS, flips);
    Atomics.wait(control, CONTROL.STOP, 0, REST_MS);
  }
}
