/**
 * A thread of `fuzzOnThreads()`: its worlds, in a memory and in kernel maps of its own.
 *
 * @module
 */
import { DatapathMemory } from "../datapath/datapath_memory.ts";
import { corpusBatch } from "./corpus.ts";
import { fuzz, type FuzzResult } from "./fuzz.ts";
import type { FuzzMessage, FuzzTask } from "./fuzz_task.ts";
import { PacketGenerator } from "./generator.ts";
import { Twins } from "./twins.ts";
import { worldOfJson, worldToJson } from "./world_json.ts";

/** What of the global scope of a Worker is used here. */
interface WorkerScope {
  addEventListener(
    type: "message",
    listener: (event: MessageEvent<FuzzTask | "stop">) => void,
  ): void;
  postMessage(message: FuzzMessage): void;
  close(): void;
}

const scope = globalThis as unknown as WorkerScope;
let stopped = false;

scope.addEventListener("message", async ({ data }) => {
  if (data === "stop") {
    stopped = true;
    return;
  }
  try {
    scope.postMessage({ kind: "result", result: sendable(await run(data)) });
  } catch (error) {
    scope.postMessage({ kind: "error", error });
  }
  scope.close();
});

async function run(task: FuzzTask): Promise<FuzzResult> {
  const memory = new DatapathMemory(task.module);
  using twins = new Twins(memory, task.kernel, task.fault);
  const generator = new PacketGenerator(memory, corpusBatch(memory, task.corpus));
  return await fuzz(twins, generator, {
    ...task,
    isStopped: () => stopped,
    onProgress: (progress) => scope.postMessage({ kind: "progress", progress }),
  });
}

/** Map states of the engine find entries by methods, which no message carries. */
function sendable(result: FuzzResult): FuzzResult {
  const { mismatch } = result;
  if (mismatch === undefined) return result;
  const { manifests } = mismatch.world;
  const plain = worldOfJson(JSON.parse(JSON.stringify(worldToJson(mismatch.world))));
  const world = manifests === undefined ? plain : { ...plain, manifests };
  return { ...result, mismatch: { ...mismatch, world } };
}
