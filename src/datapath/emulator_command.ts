/**
 * What `EmulatorPool` and the threads of its workers say to each other, in shared memory.
 *
 * @module
 */

/** Words of one worker: a cache line, so that workers do not disturb each other. */
export const CONTROL_WORDS = 16;

/** Index of each word of a worker. The two counts grow by one a command, and wrap. */
export const COMMAND = {
  /** Commands given; the worker waits for it to change. */
  asked: 0,
  /** Commands carried out; the pool waits for it to change. */
  done: 1,
  operation: 2,
  /** Address of the packets that come in. */
  input: 3,
  /** How many packets. */
  count: 4,
  /** Address of the packets that go out. */
  output: 5,
} as const;

/** What a worker can be asked to do. */
export const OPERATION = {
  /** End the thread. */
  stop: 0,
  /** Run all packets. */
  all: 1,
  /** Run its share of the packets. */
  share: 2,
  /** Written by the worker: it has stopped, and its error event says why. */
  failed: 3,
} as const;

/** The first and only message to a worker. */
export interface WorkerStart {
  readonly module: WebAssembly.Module;
  /** Shared. */
  readonly memory: WebAssembly.Memory;
  readonly worker: number;
  /** CONTROL_WORDS for each worker. */
  readonly control: SharedArrayBuffer;
}
