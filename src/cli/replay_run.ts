import { DatapathMemory } from "../datapath/datapath_memory.ts";
import { Emulator } from "../datapath/emulator.ts";
import { readEmulatorWasm } from "../datapath/emulator_file.ts";
import type { Datapath, NodeState } from "../datapath/datapath.ts";
import { type CapturedPacket, readCapture } from "../pcap/capture.ts";
import { CaptureError } from "../pcap/capture_error.ts";
import { carriesIp } from "../pcap/ethernet_frame.ts";
import { linkTypeName } from "../pcap/link_type.ts";
import { builtInNode } from "../replay/built_in_node.ts";
import type { Place } from "../replay/placement.ts";
import { Replay, type ReplayedPacket } from "../replay/replay.ts";
import { nodeOfScenario, type ReplayNode } from "../replay/replay_node.ts";
import { sendersOf } from "../replay/senders.ts";
import type { OutputFormat } from "./cluster_flags.ts";
import { Datapaths } from "./datapaths.ts";
import { BadInputError, EXIT_CODE } from "./exit_code.ts";
import { catchInterrupts } from "./interrupts.ts";
import { loadScenario } from "./load_scenario.ts";
import { readCaptureFile } from "./read_capture_file.ts";
import { ReplayReport } from "./replay_report.ts";

/** Options of `twinpath replay`, as commander gives them. */
export interface ReplayFlags {
  readonly file?: readonly string[];
  readonly datapath?: keyof typeof REPLAY_DATAPATHS;
  readonly from?: string;
  readonly to?: string;
  readonly output: OutputFormat;
}

/** Which datapaths each value of `--datapath` means, in the order in which they are told. */
export const REPLAY_DATAPATHS = {
  emulator: ["emulator"],
  kernel: ["kernel"],
  lpm: ["lpm"],
  both: ["emulator", "kernel"],
  all: ["emulator", "kernel", "lpm"],
} as const satisfies Record<string, readonly Datapath["kind"][]>;

/** Runs `twinpath replay` and returns its exit code. */
export async function runReplay(
  captures: readonly string[],
  flags: ReplayFlags,
): Promise<number> {
  if (captures.length === 0) {
    throw new BadInputError('Cannot replay "nothing": no capture, expected at least one before -f');
  }
  const cluster = flags.file && await loadScenario(flags.file);
  const node = cluster && nodeOfScenario(cluster.scenario);
  const place = placeOf(flags, node);
  using legs = await openLegs(flags.datapath);
  if (node) await legs.load(node.state);
  const replay = new Replay(legs.memory, legs.datapaths);
  const report = new ReplayReport(flags.output, legs);
  let damaged = cluster?.refused ?? false;
  for (const path of captures) {
    const file = path === "-" ? await readStandardInput() : await readCaptureFile(path);
    damaged ||= file === undefined;
    if (file === undefined) continue;
    const current = node ?? builtInNode(sendersOf(readCapture(file, path)));
    if (!node) await legs.load(current.state);
    const stop = new AbortController();
    using interrupts = catchInterrupts(stop);
    const options = { signal: stop.signal, ...(place && { place }) };
    const run = (packets: Iterable<CapturedPacket>) => replay.run(current, packets, options);
    const error = await replayFile(path, file, run, report);
    report.finish(replay, error);
    if (error !== undefined) console.error(error.message);
    damaged ||= error !== undefined;
    if (!stop.signal.aborted) continue;
    await report.end(replay.asked);
    console.error(`Stopped by ${interrupts.caught()} in "${path}": only what ran is told of`);
    return interrupts.exitCode();
  }
  await report.end(replay.asked);
  if (report.differences > 0) return EXIT_CODE.NO;
  return damaged ? EXIT_CODE.BAD_INPUT : EXIT_CODE.OK;
}

/** While a capture is under way a signal ends it, and not the command. */
async function readStandardInput(): Promise<Uint8Array | undefined> {
  const end = new AbortController();
  using _interrupts = catchInterrupts(end);
  return await readCaptureFile("-", end.signal);
}

/** Packets after which signals are delivered. */
const BREATH = 1024;

/** @returns what is wrong with the file. */
async function replayFile(
  path: string,
  file: Uint8Array,
  run: (packets: Iterable<CapturedPacket>) => Iterable<ReplayedPacket>,
  report: ReplayReport,
): Promise<CaptureError | undefined> {
  await report.start(path);
  let foreign: number | undefined;
  let other = 0;
  let damage: CaptureError | undefined;
  try {
    const packets = function* () {
      for (const packet of readCapture(file, path)) {
        if (carriesIp(packet.linkType)) other++;
        else foreign ??= packet.linkType;
        yield packet;
      }
    };
    let count = 0;
    for (const packet of run(packets())) {
      await report.add(packet);
      if (++count % BREATH === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    }
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    damage = error;
  }
  if (foreign !== undefined && other === 0) {
    const state = `packets of link type ${linkTypeName(foreign)}`;
    damage ??= new CaptureError(path, state, "Ethernet, Linux cooked, raw IP or loopback");
  }
  return damage;
}

/** The datapaths that were asked for, in one memory. */
interface Legs extends Disposable {
  readonly memory: DatapathMemory;
  readonly datapaths: readonly Datapath[];
  /** Why the kernel is left out though nobody said so. */
  readonly reason: string | undefined;
  load(node: NodeState): Promise<void>;
}

async function openLegs(which: ReplayFlags["datapath"]): Promise<Legs> {
  if (which === "emulator") return await openEmulator();
  const opened = await Datapaths.open();
  const { memory, all, reason } = opened;
  if (reason !== undefined && which !== undefined) {
    opened[Symbol.dispose]();
    throw new BadInputError(`Cannot replay in the kernel: ${reason}`);
  }
  const wanted: readonly Datapath["kind"][] = REPLAY_DATAPATHS[which ?? "all"];
  const datapaths = all.filter(({ kind }) => wanted.includes(kind));
  return {
    memory,
    datapaths,
    reason,
    load: async (node) => {
      for (const datapath of datapaths) await datapath.load(node);
    },
    [Symbol.dispose]: () => opened[Symbol.dispose](),
  };
}

async function openEmulator(): Promise<Legs> {
  const memory = new DatapathMemory(await readEmulatorWasm());
  const emulator = new Emulator(memory);
  return {
    memory,
    datapaths: [emulator],
    reason: undefined,
    load: (node) => Promise.resolve(emulator.load(node)),
    [Symbol.dispose]: () => emulator[Symbol.dispose](),
  };
}

function placeOf({ from, to }: ReplayFlags, node: ReplayNode | undefined): Place | undefined {
  const name = from ?? to;
  if (name === undefined) return undefined;
  if (node === undefined) {
    throw new BadInputError(`Cannot enter at "${name}": no pod of a cluster, expected -f as well`);
  }
  const endpoint = node.state.endpoints.find(({ id }) =>
    node.nameOf(id) === name || node.nameOf(id) === `default/${name}`
  );
  if (endpoint === undefined) {
    const known = node.state.endpoints.slice(0, 8).map(({ id }) => node.nameOf(id)).join(", ");
    throw new BadInputError(`Cannot enter at "${name}": no such pod, expected one of ${known}`);
  }
  return { endpoint: endpoint.id, hook: from === undefined ? "to_container" : "from_container" };
}
