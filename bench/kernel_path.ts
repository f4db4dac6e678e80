/**
 * `kernel.path*`: what a packet that a pod sends costs in the kernel, against the same source on
 * Cilium's layout, with the same packets, policies and addresses. The harness takes the packets
 * through the programs; its own time is taken off. `kernel.path6*` is the same over IPv6.
 *
 * - `path`: headers, identity of the destination, egress policy;
 * - `path_parse`, `path_ipcache`: the first, the first two of these;
 * - `path_exact`: the baseline has an exact hash of addresses before the trie;
 * - `path_ct`: `from_container` as it is attached, for packets of flows that conntrack knows.
 *
 * @module
 */
import { PACKET_BATCH, PACKET_OK, PACKET_SLOT_SIZE } from "../src/datapath/layout.ts";
import { addressSet } from "./addresses.ts";
import { type Benchmark, type BenchOptions, mustAgree } from "./benchmark.ts";
import { fillBlocks, fillExact, fillTrie } from "./kernel_ipcache.ts";
import { loadWorkload } from "./kernel_workload.ts";
import { measureRace } from "./measure.ts";
import { PathLeg } from "./path_leg.ts";
import { PathPackets } from "./path_packets.ts";
import { PolicyMemory } from "./policy_memory.ts";
import { Random } from "./random.ts";
import { freeMemory, KERNEL } from "./requirement.ts";
import { type BenchResult, benchResult } from "./result.ts";
import type { Policy, Workload } from "./workloads.ts";

/** Which programs race. */
interface PathKind {
  readonly about: string;
  readonly subject: { readonly object: string; readonly program: string };
  readonly baseline: { readonly object: string; readonly program: string; readonly name: string };
  /** How the baseline's addresses are filled. */
  readonly fill: typeof fillTrie;
  /** Only packets that are allowed, of which conntrack knows the flows. */
  readonly hits: boolean;
}

function stage(about: string, program: string): PathKind {
  return {
    about,
    subject: { object: "bench_path", program },
    baseline: { object: "lpm_bench_path", program, name: "LPM twin" },
    fill: fillTrie,
    hits: false,
  };
}

const KINDS = {
  path: stage("headers, identity and policy of a packet, against the LPM twin", "path_policy"),
  path_parse: stage("headers of a packet, which both twins read alike", "path_parse"),
  path_ipcache: stage("headers and identity of a packet, against one LPM trie", "path_ipcache"),
  path_exact: {
    ...stage("as path, against the LPM twin with an exact hash of addresses", "path_policy"),
    baseline: {
      object: "lpm_bench_path_exact",
      program: "path_policy",
      name: "LPM twin, exact addresses",
    },
    fill: fillExact,
  },
  path_ct: {
    about: "from_container with conntrack hits, against the LPM twin",
    subject: { object: "datapath", program: "from_container" },
    baseline: { object: "lpm_datapath", program: "from_container", name: "LPM twin" },
    fill: fillTrie,
    hits: true,
  },
} satisfies Record<string, PathKind>;

/** Size of a path benchmark. */
export interface KernelPathShape {
  readonly workload: Workload;
  /** Addresses and CIDRs in the ipcache. */
  readonly addresses: number;
  /** 6: over IPv6, between the addresses that stand for those of IPv4. @default {4} */
  readonly family?: 4 | 6;
  /** Bytes that the maps may take. @default {0} */
  readonly memory?: number;
}

/** Batches made so that enough packets are allowed. */
const MOST_BATCHES = 8;

/** Runs packets until a batch of allowed ones is together. */
function allowedPackets(leg: PathLeg, batches: readonly Uint8Array[]): Uint8Array {
  const allowed = new Uint8Array(PACKET_BATCH * PACKET_SLOT_SIZE);
  let length = 0;
  for (const batch of batches) {
    leg.feed(batch);
    for (const [i, answer] of leg.answers().entries()) {
      if (Number(answer >> 32n) !== PACKET_OK || length === allowed.length) continue;
      allowed.set(batch.subarray(i * PACKET_SLOT_SIZE, (i + 1) * PACKET_SLOT_SIZE), length);
      length += PACKET_SLOT_SIZE;
    }
  }
  return allowed.subarray(0, length);
}

async function measure(
  name: string,
  kind: PathKind,
  { workload, addresses, family = 4 }: KernelPathShape,
  { rounds, progress }: BenchOptions,
): Promise<BenchResult> {
  const show = (text: string) => progress.show(`${name}: ${text}`);
  using empty = new PathLeg("bench_path", "path_empty");
  using subject = new PathLeg(kind.subject.object, kind.subject.program, SUBJECT_MAPS);
  using baseline = new PathLeg(kind.baseline.object, kind.baseline.program, BASELINE_MAPS);
  const memory = await PolicyMemory.create();
  const { peers } = workload.policy(1);
  const identities = new Map(peers.map(({ slot, identity }) => [slot, identity]));
  const identityOf = (slot: number) => identities.get(slot) ?? slot;
  show(`${addresses} addresses`);
  const set = addressSet(addresses, { podIdentities: peers.length, identityOf });
  memory.fillIpcache(set, family);
  kind.fill(baseline, memory);
  using _blocks = await fillBlocks(subject, memory);

  const batches = kind.hits ? MOST_BATCHES : 1;
  const packets = new PathPackets(set, batches * PACKET_BATCH, { family });
  const maker = new BatchMaker(memory, packets, workload.policies, batches);
  const visit = (policy: Policy) => {
    for (const leg of [empty, subject, baseline]) leg.install(policy.number);
    maker.visit(policy);
  };
  await loadWorkload(workload, { image: subject, lpm: baseline, visit, show });

  show("comparing answers");
  const legs = [empty, subject, baseline];
  const records = kind.hits ? allowedPackets(subject, maker.records) : maker.records[0];
  for (const leg of legs) leg.feed(records ?? new Uint8Array());
  mustAgree(name, subject.answers(), baseline.answers());
  show("measuring");
  const times = measureRace({
    overhead: empty.contender,
    subject: subject.contender,
    baseline: baseline.contender,
  }, rounds);
  return benchResult(name, times.subject, { name: kind.baseline.name, value: times.baseline });
}

const POLICY_MAPS = ["policy_tables", "endpoint_policies"];
const SUBJECT_MAPS = [
  ...POLICY_MAPS,
  ...["ipcache4", "ipcache4_cidr", "ipcache4_root"],
  ...["ipcache6", "ipcache6_cidr", "ipcache6_root"],
  ...["ipcache6_prefixes", "ipcache_chunks"],
  ...["images_S", "images_M", "images_L"],
];
const BASELINE_MAPS = [...POLICY_MAPS, "lpm_policies", "lpm_ipcache4", "lpm_ipcache6"];

/** Kinds of path benchmarks. */
export type KernelPathKind = keyof typeof KINDS;

/** A benchmark of a packet's path; its name is `kernel.<kind>.<size>`, with `path6` over IPv6. */
export function kernelPathBenchmark(
  kind: KernelPathKind,
  size: string,
  shape: KernelPathShape,
): Benchmark {
  const { family = 4 } = shape;
  const { about } = KINDS[kind];
  const name = `kernel.${family === 6 ? kind.replace("path", "path6") : kind}.${size}`;
  return {
    name,
    about: family === 6 ? `${about}, IPv6` : about,
    requires: [KERNEL, freeMemory(shape.memory ?? 0)],
    run: (options) => measure(name, KINDS[kind], shape, options),
  };
}

/** Batches of packets of all policies mixed, made while the policies pass by. */
class BatchMaker {
  readonly #batches: Uint8Array[];
  readonly #numbers: number[][];
  readonly #packets: PathPackets;
  readonly #one: ReturnType<PolicyMemory["datapath"]["packetBatch"]>;

  constructor(memory: PolicyMemory, packets: PathPackets, policies: number, batches: number) {
    const random = new Random(1);
    this.#packets = packets;
    this.#one = memory.datapath.packetBatch(1);
    this.#batches = Array.from(
      { length: batches },
      () => new Uint8Array(PACKET_BATCH * PACKET_SLOT_SIZE),
    );
    this.#numbers = Array.from({ length: policies }, () => []);
    for (let i = 0; i < batches * PACKET_BATCH; i++) random.pick(this.#numbers).push(i);
  }

  /** Makes the packets that fall to a policy. */
  visit(policy: Policy): void {
    for (const number of this.#numbers[policy.number - 1] ?? []) {
      this.#one.clear();
      this.#packets.add(this.#one, policy.number, policy);
      const batch = this.#batches[Math.floor(number / PACKET_BATCH)];
      batch?.set(this.#one.bytes, number % PACKET_BATCH * PACKET_SLOT_SIZE);
    }
  }

  /** `struct packet_slot` records, batch by batch. */
  get records(): readonly Uint8Array[] {
    return this.#batches;
  }
}
