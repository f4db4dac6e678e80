/**
 * The benchmarks of real traffic: each kind of traffic against each thing that could stand in the
 * programs' place.
 *
 * @module
 */
import type { Benchmark, BenchOptions } from "../benchmark.ts";
import { type BenchResult, benchResult } from "../result.ts";
import { Contender, type ContenderSpec } from "./contender.ts";
import { NFT, TCX } from "./requirements.ts";
import { percentile, perUnit, takeTurns, type Traffic, TrafficThreads } from "./measure_net.ts";

/** What a figure is read from. */
interface Figure {
  readonly name: string;
  readonly about: string;
  readonly traffic: Traffic;
  readonly read: (measured: Float64Array, traffic: Traffic) => number;
}

const TRANSACTIONS = 1000;
const BLOCKS = 2000;
const DATAGRAMS = 10_000;
/** All passes of two contenders must do with 64,512 source ports. */
const FLOWS = 1400;

const FIGURES: readonly Figure[] = [
  {
    name: "tcp_stream",
    about: "a KiB over TCP",
    traffic: { kind: "stream", over: "tcp", count: BLOCKS },
    read: perUnit,
  },
  {
    name: "udp_stream",
    about: "a datagram of 1,400 bytes",
    traffic: { kind: "datagrams", over: "udp", count: DATAGRAMS },
    read: perUnit,
  },
  {
    name: "udp_flow",
    about: "a datagram that begins a flow",
    traffic: { kind: "flows", over: "flows", count: FLOWS },
    read: perUnit,
  },
  ...(["tcp", "udp"] as const).flatMap((protocol) =>
    [["p50", 0.5], ["p99", 0.99]].map(([name, part]) => ({
      name: `${protocol}_rr.${name}`,
      about: `request and response of a byte over ${protocol.toUpperCase()}, ${name}`,
      traffic: { kind: "transactions" as const, over: protocol, count: TRANSACTIONS },
      read: (measured: Float64Array) => percentile(measured, Number(part)),
    }))
  ),
];

/** What the programs are compared with; without a policy of its own against the larger one. */
const SIZES = { "1k": 1024, "16k": 16_384 } as const;
const BASELINES: readonly { name: string; label: string; spec: ContenderSpec; entries: number }[] =
  [
    { name: "none", label: "no program", spec: { kind: "none" }, entries: SIZES["16k"] },
    ...Object.entries(SIZES).map(([size, entries]) => ({
      name: `nft-${size}`,
      label: "nftables",
      spec: { kind: "nftables" as const, entries },
      entries,
    })),
  ];

/** All benchmarks, in the order in which they run. */
export function netSuite(): Benchmark[] {
  return FIGURES.flatMap((figure) =>
    BASELINES.map(({ name, label, spec, entries }) => ({
      name: `net.${figure.name}.${name}`,
      about: `${figure.about}: programs with ${entries} entries, ${label}`,
      requires: spec.kind === "nftables" ? [TCX, NFT] : [TCX],
      run: (options: BenchOptions) =>
        run(`net.${figure.name}.${name}`, figure, { label, spec, entries }, options),
    }))
  );
}

async function run(
  name: string,
  { traffic, read }: Figure,
  baseline: { readonly label: string; readonly spec: ContenderSpec; readonly entries: number },
  { rounds, progress }: BenchOptions,
): Promise<BenchResult> {
  const { label, spec, entries } = baseline;
  using subject = await Contender.create({ kind: "twinpath", entries });
  using other = await Contender.create(spec);
  using threads = new TrafficThreads();
  const [ours, theirs] = await takeTurns(threads, [subject, other], traffic, {
    rounds,
    progress,
    name,
  });
  const value = (measured: Float64Array = new Float64Array()) => read(measured, traffic);
  return benchResult(name, value(ours), { name: label, value: value(theirs) });
}
