/**
 * `loader.*`: ebpf-ts-loader against libbpf, on the project's largest object.
 *
 * @module
 */
import {
  type BpfMap,
  type Collection,
  createMap,
  loadCollection,
  MapType,
  parseObject,
  prepare,
} from "ebpf-ts-loader";
import { traceBpf } from "ebpf-ts-loader/sys";
import { arraySpec } from "./array_map.ts";
import { type Benchmark, type BenchOptions, mustAgree } from "./benchmark.ts";
import { Libbpf } from "./libbpf.ts";
import { interleave, median } from "./measure.ts";
import { KERNEL, LIBBPF } from "./requirement.ts";
import { type BenchResult, benchResult } from "./result.ts";

const OBJECT = new URL("../bpf/obj/datapath.bpf.o", import.meta.url);
const COPIES = 300;
/** Few enough for a pass of half a millisecond: on a busy machine longer ones are interrupted. */
const KEYS = 500;
const PASSES_PER_ROUND = 50;
const NANOSECONDS = 1e6;

/** A load of the whole object; the way back is not timed. */
function loadOnce(bytes: Uint8Array<ArrayBuffer>): number {
  const start = performance.now();
  using _collection = loadCollection(parseObject(bytes, "datapath.bpf.o"));
  return (performance.now() - start) * NANOSECONDS;
}

async function measureLoad({ rounds, progress }: BenchOptions): Promise<BenchResult> {
  const bytes = await Deno.readFile(OBJECT);
  using libbpf = Libbpf.open();
  progress.show("loader.load: measuring");
  // Both have work that is done once: V8 compiles, libbpf asks what the kernel can do.
  const WARM_UP = 6;
  for (let round = 0; round < WARM_UP; round++) loadOnce(bytes);
  const [ours = NaN, theirs = NaN] = interleave([
    { pass: () => loadOnce(bytes) },
    { pass: () => libbpf.load(bytes) },
  ], rounds);
  return benchResult("loader.load", ours, { name: "libbpf", value: theirs });
}

async function measureTemplate({ rounds, progress }: BenchOptions): Promise<BenchResult> {
  const spec = parseObject(await Deno.readFile(OBJECT), "datapath.bpf.o");
  progress.show("loader.template: measuring");
  using template = prepare(spec);
  using copies = new DisposableStack();
  const own: number[] = [];
  const kernel: number[] = [];
  for (let copy = 1; copy <= COPIES + rounds; copy++) {
    let inKernel = 0;
    using _trace = traceBpf(({ nanoseconds }) => inKernel += nanoseconds);
    const start = performance.now();
    const made: Collection = template.instantiate({ variables: { config_endpoint: copy } });
    const total = (performance.now() - start) * NANOSECONDS;
    copies.use(made);
    if (copy < COPIES) continue;
    own.push(total - inKernel);
    kernel.push(inKernel);
  }
  const baseline = { name: "bpf(2) of the same copy", value: median(kernel) };
  return benchResult("loader.template", median(own), baseline);
}

/**
 * A pass through all keys, two words each as the C loop's are. One key and one value buffer for
 * all: views into the arrays would measure the making of views.
 */
function lookUpAll(map: BpfMap, keys: Uint32Array, answers: Uint32Array): () => number {
  const [key, value] = [new Uint32Array(2), new Uint32Array(2)];
  const [keyBytes, valueBytes] = [new Uint8Array(key.buffer), new Uint8Array(value.buffer)];
  return () => {
    const start = performance.now();
    for (let at = 0; at < keys.length; at += 2) {
      key[0] = keys[at] ?? 0;
      key[1] = keys[at + 1] ?? 0;
      map.lookupInto(keyBytes, valueBytes);
      answers[at] = value[0] ?? 0;
      answers[at + 1] = value[1] ?? 0;
    }
    return (performance.now() - start) * NANOSECONDS / (keys.length / 2);
  };
}

function measureLookup({ rounds, progress }: BenchOptions): BenchResult {
  using libbpf = Libbpf.open();
  progress.show("loader.map.lookup: measuring");
  const keys = BigUint64Array.from({ length: KEYS }, (_, index) => BigInt(index * 7));
  const spec = arraySpec("bench_lookup", BigUint64Array.BYTES_PER_ELEMENT, KEYS);
  using map = createMap({ ...spec, type: MapType.HASH, keySize: 8 });
  map.updateBatch(new Uint8Array(keys.buffer), new Uint8Array(keys.buffer));
  const answers = new BigUint64Array(KEYS);
  const lookUp = lookUpAll(map, new Uint32Array(keys.buffer), new Uint32Array(answers.buffer));
  const expected = new BigUint64Array(KEYS);
  const [ours = NaN, theirs = NaN] = interleave([
    { pass: lookUp },
    { pass: () => libbpf.lookups(map.fd, keys, expected) / KEYS },
  ], rounds * PASSES_PER_ROUND);
  mustAgree("loader.map.lookup", answers, expected);
  return benchResult("loader.map.lookup", ours, { name: "C loop", value: theirs });
}

/** What the loader costs. */
export function loaderBenchmarks(): Benchmark[] {
  return [
    {
      name: "loader.load",
      about: "the datapath's object from bytes to loaded programs, against libbpf",
      requires: [KERNEL, LIBBPF],
      run: measureLoad,
    },
    {
      name: "loader.template",
      about: `our own share of a copy after ${COPIES} others, against the kernel's`,
      requires: [KERNEL],
      run: measureTemplate,
    },
    {
      name: "loader.map.lookup",
      about: "a lookup in a hash map of 500, against the same loop in C",
      requires: [KERNEL, LIBBPF],
      run: measureLookup,
    },
  ];
}
