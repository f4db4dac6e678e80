/**
 * A mismatch as a folder that `twinpath verify --repro` replays: the node's state, the packets as
 * a capture, and how each of them arrived.
 *
 * @module
 */
import type { Hook } from "../datapath/packet_batch.ts";
import { readCapture } from "../pcap/capture.ts";
import { CaptureError } from "../pcap/capture_error.ts";
import { pcapOf } from "../pcap/write_pcap.ts";
import {
  type ImageFault,
  listAt,
  MANIFESTS_FILE,
  numberAt,
  objectAt,
  parseFault,
  refuse,
  type ReproducerFile,
} from "../verify/reproducer.ts";
import type { FuzzMismatch } from "./fuzz.ts";
import type { FuzzPacket } from "./packet_list.ts";
import { worldOfJson, worldToJson } from "./world_json.ts";
import type { World } from "./world.ts";

/** Says that a folder holds a case of the fuzzer, and how its packets arrived. */
export const FUZZ_FILE = "fuzz.json";
/** The node's state. */
export const STATE_FILE = "state.json";
/** The packets' bytes and times. */
export const PACKETS_FILE = "packets.pcap";

/** What a reproducer holds. */
export interface FuzzReproducer {
  readonly seed: number;
  readonly fault: ImageFault | undefined;
  readonly world: World;
  readonly packets: readonly FuzzPacket[];
}

/** Makes the files of a reproducer. */
export function fuzzReproducerFiles(
  { world, packets, differences, noticed, repeatable }: FuzzMismatch,
  { seed, fault }: { readonly seed: number; readonly fault?: ImageFault | undefined },
): ReproducerFile[] {
  const summary = {
    version: 1,
    seed,
    ...(fault === undefined ? {} : { fault }),
    noticed,
    repeatable,
    differences,
    packets: packets.map(({ endpoint, hook, mark }) => ({ endpoint, hook, mark })),
  };
  return [
    { name: FUZZ_FILE, content: text(summary) },
    { name: STATE_FILE, content: text(worldToJson(world)) },
    { name: PACKETS_FILE, content: pcapOf(packets) },
    // For people: what the state was compiled from.
    ...(world.manifests === undefined ? [] : [{ name: MANIFESTS_FILE, content: world.manifests }]),
  ];
}

function text(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** The files of a folder, by name. */
export interface FuzzFiles {
  readonly summary: string;
  readonly state: string;
  readonly packets: Uint8Array<ArrayBuffer>;
}

/**
 * Reads a reproducer.
 *
 * @throws {SyntaxError} If a file is not what it should be.
 */
export function parseFuzzReproducer(files: FuzzFiles): FuzzReproducer {
  const json: unknown = JSON.parse(files.summary);
  const { version, seed, fault, packets } = objectAt(json, "reproducer");
  if (version !== 1) refuse("version", version, "1");
  const state: unknown = JSON.parse(files.state);
  const captured = packetsOf(files.packets);
  const arrivals = listAt(packets, "packets").map((item, i) => arrivalOf(item, `packets[${i}]`));
  if (arrivals.length !== captured.length) {
    refuse("packets", arrivals.length, `${captured.length}, as ${PACKETS_FILE} has`);
  }
  return {
    seed: numberAt(seed, "seed"),
    fault: fault === undefined ? undefined : parseFault(fault),
    world: worldOfJson(state),
    packets: captured.flatMap((packet, i) => {
      const arrival = arrivals[i];
      return arrival === undefined ? [] : [{ ...arrival, ...packet }];
    }),
  };
}

function packetsOf(capture: Uint8Array): Pick<FuzzPacket, "data" | "now">[] {
  try {
    return [...readCapture(capture, PACKETS_FILE)].map(({ data, time = 0n }) => ({
      data,
      now: time,
    }));
  } catch (cause) {
    if (!(cause instanceof CaptureError)) throw cause;
    throw new SyntaxError(cause.message, { cause });
  }
}

function arrivalOf(
  value: unknown,
  path: string,
): { readonly endpoint: number; readonly hook: Hook; readonly mark: number } {
  const { endpoint, hook, mark } = objectAt(value, path);
  if (hook !== "from_container" && hook !== "to_container") refuse(`${path}.hook`, hook, "one");
  return {
    endpoint: numberAt(endpoint, `${path}.endpoint`),
    hook,
    mark: numberAt(mark, `${path}.mark`),
  };
}
