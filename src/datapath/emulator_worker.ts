/**
 * The thread of one worker of `EmulatorPool`: it waits for a command in shared memory, runs
 * packets, and says so there.
 *
 * @module
 */
import { COMMAND, CONTROL_WORDS, OPERATION, type WorkerStart } from "./emulator_command.ts";
import { instantiateWorker, type WasmExports } from "./wasm.ts";

/** What of the global scope of a Worker is used here. */
interface WorkerScope {
  addEventListener(type: "message", listener: (event: MessageEvent<WorkerStart>) => void): void;
  postMessage(message: "ready"): void;
  close(): void;
}

const scope = globalThis as unknown as WorkerScope;

scope.addEventListener("message", ({ data: { module, memory, worker, control } }) => {
  const { exports } = instantiateWorker(module, memory, worker);
  const words = new Int32Array(control, worker * CONTROL_WORDS * 4, CONTROL_WORDS);
  scope.postMessage("ready");
  for (let seen = 0;; seen = (seen + 1) | 0) {
    Atomics.wait(words, COMMAND.asked, seen);
    if (words[COMMAND.operation] === OPERATION.stop) break;
    try {
      runBatch(exports, words);
    } catch (error) {
      words[COMMAND.operation] = OPERATION.failed;
      throw error;
    } finally {
      Atomics.store(words, COMMAND.done, (seen + 1) | 0);
      Atomics.notify(words, COMMAND.done);
    }
  }
  scope.close();
});

function runBatch(exports: WasmExports, words: Int32Array): void {
  const run = words[COMMAND.operation] === OPERATION.share ? exports.runShare : exports.runPackets;
  const word = (index: number) => (words[index] ?? 0) >>> 0;
  run(word(COMMAND.input), word(COMMAND.count), word(COMMAND.output));
}
