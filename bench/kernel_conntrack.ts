/**
 * `kernel.conntrack*`: what conntrack costs in the kernel, on top of reading a packet's headers.
 * Both twins have it from one source, so that the ratio is near 1: the figure is the time.
 *
 * - `hit`: finds the flow of a packet and counts the packet;
 * - `create`: finds no flow and makes one.
 *
 * @module
 */
import type { BpfMap } from "ebpf-ts-loader";
import {
  CT_ESTABLISHED,
  CT_NEW,
  PACKET_BATCH,
  PACKET_OK,
  PACKET_SLOT_SIZE,
} from "../src/datapath/layout.ts";
import { type Benchmark, type BenchOptions, mustAgree } from "./benchmark.ts";
import { type Contender, measureRace } from "./measure.ts";
import { PathLeg } from "./path_leg.ts";
import { pathHeaders } from "./path_packets.ts";
import { PolicyMemory } from "./policy_memory.ts";
import { KERNEL } from "./requirement.ts";
import { type BenchResult, benchResult } from "./result.ts";

/** What is measured of conntrack. */
export interface ConntrackShape {
  readonly state: "hit" | "create";
  readonly family: 4 | 6;
}

const ENDPOINT = 1;
/** Flow i goes to the address after that of flow i − 1. */
const FIRST_DESTINATION = 0x0A000001;
const PORTS = { source: 40_000, destination: 443 };

/** The first packet of each of as many flows as a batch holds, every other of them TCP. */
async function firstPackets(family: 4 | 6): Promise<Uint8Array> {
  const { datapath } = await PolicyMemory.create();
  const batch = datapath.packetBatch(PACKET_BATCH);
  for (let i = 0; i < PACKET_BATCH; i++) {
    const ip = pathHeaders(family, FIRST_DESTINATION + i);
    const data = (i % 2 === 0 ? ip.tcp(PORTS) : ip.udp(PORTS)).build();
    batch.add({ endpoint: ENDPOINT, hook: "from_container", data });
  }
  return batch.bytes.subarray(0, PACKET_BATCH * PACKET_SLOT_SIZE);
}

/** A twin whose conntrack knows the flow of every packet. */
function legOf(object: string, records: Uint8Array): PathLeg {
  using owned = new DisposableStack();
  const leg = owned.use(new PathLeg(object, "path_conntrack"));
  leg.install(ENDPOINT);
  leg.feed(records);
  mustAgree(object, leg.answers(), answersOf(CT_NEW));
  owned.move();
  return leg;
}

/** What the program says of a batch whose packets are all in one state. */
function answersOf(state: number): BigUint64Array {
  return new BigUint64Array(PACKET_BATCH).fill(BigInt(PACKET_OK) << 32n | BigInt(state));
}

/** All keys of a map, packed. */
function keysOf(map: BpfMap): Uint8Array<ArrayBuffer> {
  const keys = new Uint8Array(PACKET_BATCH * map.keySize);
  let length = 0;
  for (const key of map.keys()) {
    keys.set(key, length);
    length += map.keySize;
  }
  return keys.subarray(0, length);
}

/** Forgets all flows before each pass, untimed. */
function creating(leg: PathLeg, flows: BpfMap): Contender {
  const keys = keysOf(flows);
  return {
    pass: () => {
      flows.deleteBatch(keys); // throws if one was not made anew
      return leg.contender.pass();
    },
  };
}

async function measure(
  name: string,
  { state, family }: ConntrackShape,
  { rounds, progress }: BenchOptions,
): Promise<BenchResult> {
  progress.show(`${name}: comparing answers`);
  const records = await firstPackets(family);
  using headers = new PathLeg("bench_path", "path_parse");
  headers.install(ENDPOINT);
  headers.feed(records);
  using subject = legOf("bench_path", records);
  using baseline = legOf("lpm_bench_path", records);
  for (const leg of [subject, baseline]) mustAgree(name, leg.answers(), answersOf(CT_ESTABLISHED));
  progress.show(`${name}: measuring`);
  const contenderOf = (leg: PathLeg) =>
    state === "hit" ? leg.contender : creating(leg, leg.map(`conntrack${family}`));
  const times = measureRace({
    overhead: headers.contender,
    subject: contenderOf(subject),
    baseline: contenderOf(baseline),
  }, rounds);
  return benchResult(name, times.subject, { name: "LPM twin", value: times.baseline });
}

/** A benchmark of conntrack by itself. */
export function kernelConntrackBenchmark(name: string, shape: ConntrackShape): Benchmark {
  const what = shape.state === "hit" ? "a packet of a known flow" : "the first packet of a flow";
  return {
    name,
    about: `conntrack for ${what} over IPv${shape.family}, which both twins do alike`,
    requires: [KERNEL],
    run: (options) => measure(name, shape, options),
  };
}
