import { join } from "node:path";
import { DatapathMemory } from "../datapath/datapath_memory.ts";
import { readEmulatorWasm } from "../datapath/emulator_file.ts";
import { corpusFrames } from "../fuzz/corpus.ts";
import type { FuzzMismatch, FuzzProgress } from "../fuzz/fuzz.ts";
import { fuzzOnThreads } from "../fuzz/fuzz_threads.ts";
import { replayFuzz } from "../fuzz/replay.ts";
import {
  FUZZ_FILE,
  type FuzzReproducer,
  fuzzReproducerFiles,
  PACKETS_FILE,
  parseFuzzReproducer,
  STATE_FILE,
} from "../fuzz/reproducer.ts";
import { type CapturedPacket, readCapture } from "../pcap/capture.ts";
import { CaptureError } from "../pcap/capture_error.ts";
import type { ImageFault } from "../verify/reproducer.ts";
import type { OutputFormat } from "./cluster_flags.ts";
import { Datapaths } from "./datapaths.ts";
import { BadInputError, EXIT_CODE, type ExitCode } from "./exit_code.ts";
import { type FuzzLimits, FuzzProgressLine } from "./fuzz_progress.ts";
import { printFuzz, printFuzzReplay } from "./fuzz_report.ts";

/** Seconds of a run that nobody has limited. */
const DEFAULT_SECONDS = 10;

/** Options of `twinpath fuzz`, as commander gives them. */
export interface FuzzFlags {
  readonly seed?: number;
  readonly packets?: number;
  readonly seconds?: number;
  readonly threads?: number;
  readonly corpus?: readonly string[];
  readonly requireKernel: boolean;
  readonly reproOut: string;
  readonly fault?: ImageFault;
  readonly output: OutputFormat;
}

/** Runs `twinpath fuzz` and returns its exit code. */
export async function runFuzz(flags: FuzzFlags): Promise<ExitCode> {
  const corpus = await readCorpus(flags.corpus ?? []);
  const reason = await whyNoKernel(flags.requireKernel || flags.fault?.datapath === "kernel");
  const { packets, fault, threads = navigator.hardwareConcurrency } = flags;
  const seed = flags.seed ?? crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  const seconds = flags.seconds ?? (packets === undefined ? DEFAULT_SECONDS : undefined);
  const module = new WebAssembly.Module(await readEmulatorWasm());
  const kernel = reason === undefined;
  const report = await withProgress(
    { packets, seconds },
    (onProgress) =>
      fuzzOnThreads({ module, kernel, seed, threads, packets, seconds, corpus, fault, onProgress }),
  );
  const { mismatch } = report;
  const reproducer = mismatch && await writeReproducer(mismatch, seed, flags);
  printFuzz(flags.output, { report, reason, reproducer });
  return mismatch === undefined ? EXIT_CODE.OK : EXIT_CODE.NO;
}

async function withProgress<T>(
  limits: FuzzLimits,
  run: (onProgress: (progress: FuzzProgress) => void) => Promise<T>,
): Promise<T> {
  using line = new FuzzProgressLine(limits);
  return await run((progress) => line.update(progress));
}

async function whyNoKernel(required: boolean): Promise<string | undefined> {
  using datapaths = await Datapaths.open();
  const { reason } = datapaths;
  if (reason === undefined || !required) return reason;
  throw new BadInputError(`Cannot fuzz the kernel: ${reason}`);
}

async function readCorpus(paths: readonly string[]): Promise<CapturedPacket[]> {
  const packets: CapturedPacket[] = [];
  for (const path of paths) {
    const bytes = await readBytes(path, "a capture");
    try {
      packets.push(...readCapture(bytes, path));
    } catch (cause) {
      if (!(cause instanceof CaptureError)) throw cause;
      throw new BadInputError(cause.message, { cause });
    }
  }
  if (paths.length === 0 || corpusFrames(packets).length > 0) return packets;
  throw new BadInputError(
    `Cannot use corpus: none of ${packets.length} packets can be on a veth, expected Ethernet or IP`,
  );
}

async function writeReproducer(
  mismatch: FuzzMismatch,
  seed: number,
  { reproOut, fault }: FuzzFlags,
): Promise<string> {
  await Deno.mkdir(reproOut, { recursive: true });
  for (const { name, content } of fuzzReproducerFiles(mismatch, { seed, fault })) {
    const path = join(reproOut, name);
    if (typeof content === "string") await Deno.writeTextFile(path, content);
    else await Deno.writeFile(path, content);
  }
  return reproOut;
}

/** Whether a folder holds a case of the fuzzer. */
export async function isFuzzReproducer(folder: string): Promise<boolean> {
  try {
    return (await Deno.stat(join(folder, FUZZ_FILE))).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return false;
    }
    throw error;
  }
}

/** Replays a reproducer of the fuzzer, and returns the exit code. */
export async function runFuzzReplay(folder: string, format: OutputFormat): Promise<ExitCode> {
  const reproducer = await readReproducer(folder);
  await whyNoKernel(true);
  const memory = new DatapathMemory(await readEmulatorWasm());
  const differences = await limited(folder, () => replayFuzz(memory, reproducer));
  printFuzzReplay(format, reproducer.packets.length, differences);
  return differences.length === 0 ? EXIT_CODE.OK : EXIT_CODE.NO;
}

async function readReproducer(folder: string): Promise<FuzzReproducer> {
  const text = async (name: string) =>
    new TextDecoder().decode(await readBytes(join(folder, name), "a reproducer folder"));
  const files = {
    summary: await text(FUZZ_FILE),
    state: await text(STATE_FILE),
    packets: await readBytes(join(folder, PACKETS_FILE), "a reproducer folder"),
  };
  return await limited(folder, () => Promise.resolve(parseFuzzReproducer(files)));
}

/** What is wrong with a reproducer is its user's to mend. */
async function limited<T>(folder: string, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof RangeError)) throw cause;
    throw new BadInputError(`Cannot replay "${folder}": ${cause.message}`, { cause });
  }
}

async function readBytes(path: string, expected: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BadInputError(`Cannot read "${path}": ${reason}, expected ${expected}`, { cause });
  }
}
