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
/** Flips after which other threads are looked at. */
const BURST = 64;

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
  let wait = 1;
  while (Atomics.load(control, CONTROL.STOP) === 0) {
    for (let i = 0; i < BURST; i++) {
      Atomics.store(cells, cell, words[++flips & 1] ?? words[0]);
      wait = wait * 1103515245 + 12345 & 0x7fffffff;
      for (let left = wait % LONGEST_WAIT; left > 0; left--) Atomics.load(control, CONTROL.STOP);
    }
    Atomics.store(control, CONTROL.FLIPS, flips);
  }
}
