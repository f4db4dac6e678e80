/**
 * `kernel.encode.*`: an image handed to BPF_MAP_UPDATE_BATCH where the encoder left it in
 * Wasm memory, against a copy made first.
 *
 * @module
 */
import { BatchCursor, type BpfMap } from "ebpf-ts-loader";
import { IMAGE_LINE_BYTES } from "../src/datapath/layout.ts";
import type { PolicyImage } from "../src/datapath/image_builder.ts";
import { createArray } from "./array_map.ts";
import type { Benchmark, BenchOptions } from "./benchmark.ts";
import { type Contender, interleave } from "./measure.ts";
import { PolicyMemory } from "./policy_memory.ts";
import { KERNEL } from "./requirement.ts";
import { type BenchResult, benchResult } from "./result.ts";
import type { Workload } from "./workloads.ts";

/** Compares what the kernel holds with the image. */
function mustHold(map: BpfMap, image: PolicyImage): void {
  const keys = new Uint8Array(image.lines * Uint32Array.BYTES_PER_ELEMENT);
  const values = new Uint8Array(image.lines * IMAGE_LINE_BYTES);
  map.lookupBatch(keys, values, new BatchCursor());
  const expected = image.bytes;
  const at = values.findIndex((byte, i) => byte !== expected[i]);
  if (at < 0) return;
  throw new Error(
    `Cannot update "${map.name}": byte ${at} is ${values[at]}, expected ${expected[at]}`,
  );
}

function contender(lines: number, update: () => void): Contender {
  return {
    pass: () => {
      const start = performance.now();
      update();
      return (performance.now() - start) * 1e6 / lines;
    },
  };
}

async function measure(
  name: string,
  workload: Workload,
  { rounds, progress }: BenchOptions,
): Promise<BenchResult> {
  progress.show(`${name}: building`);
  const memory = await PolicyMemory.create();
  const policy = workload.policy(1);
  memory.writeRecords(policy);
  const image = memory.buildImage(policy);
  using map = createArray("bench_lines", IMAGE_LINE_BYTES, image.lines);
  const keys = memory.datapath.arrayKeys(image.lines);
  map.updateBatch(keys, image.bytes);
  mustHold(map, image);

  progress.show(`${name}: measuring`);
  const [direct = NaN, copied = NaN] = interleave([
    contender(image.lines, () => map.updateBatch(keys, image.bytes)),
    contender(image.lines, () => map.updateBatch(keys.slice(), image.bytes.slice())),
  ], rounds);
  return benchResult(name, direct, { name: "copied first", value: copied });
}

/** A benchmark of image updates; its time is that of one line of 64 bytes. */
export function kernelEncodeBenchmark(name: string, workload: Workload): Benchmark {
  return {
    name,
    about: "a line of an image into the kernel from Wasm memory, against a copy made first",
    requires: [KERNEL],
    run: (options) => measure(name, workload, options),
  };
}
