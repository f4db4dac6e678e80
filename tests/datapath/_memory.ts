import type { MapState } from "../../src/policy/map_state.ts";
import { DatapathMemory, type DatapathMemoryOptions } from "../../src/datapath/datapath_memory.ts";
import { readEmulatorWasm } from "../../src/datapath/emulator_file.ts";
import type { MergeMode, PolicyImage } from "../../src/datapath/image_builder.ts";

const MODULE = new WebAssembly.Module(await readEmulatorWasm());

/** An instance of its own. */
export function newMemory(options: DatapathMemoryOptions = {}): DatapathMemory {
  return new DatapathMemory(MODULE, options);
}

/** The number under which tests build policies. */
export const POLICY = 1;

/** Builds an image and makes it the one of {@linkcode POLICY}; the one of before is freed. */
export function mustPublish(
  memory: DatapathMemory,
  mapState: MapState,
  slotOf: (identity: number) => number,
  mode: MergeMode = "auto",
): PolicyImage {
  const image = memory.builder.build({ policy: POLICY, revision: 1, mapState }, slotOf, mode);
  const before = memory.publish(image);
  if (before) memory.builder.free(before);
  return image;
}

/** What a policy lookup answers; `verdict` as `enum policy_verdict`. */
export interface Answer {
  readonly cookie: number;
  readonly verdict: number;
}

/** Asks the policy {@linkcode POLICY} about many keys of one peer. */
export function lookupKeys(
  memory: DatapathMemory,
  direction: "ingress" | "egress",
  slot: number,
  keys: readonly number[],
): Answer[] {
  const { exports } = memory.wasm;
  const bytes = keys.length * 24;
  const queries = exports.allocate(bytes) >>> 0;
  const answers = queries + keys.length * 16;
  const words = new Uint32Array(memory.wasm.memory.buffer, queries, keys.length * 6);
  keys.forEach((key, i) => words.set([POLICY, direction === "ingress" ? 0 : 1, slot, key], i * 4));
  exports.lookupPolicies(queries, keys.length, answers);
  const results = words.slice(keys.length * 4);
  exports.release(queries, bytes);
  return keys.map((_key, i) => ({ cookie: results[2 * i]!, verdict: results[2 * i + 1]! }));
}
