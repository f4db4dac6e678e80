/**
 * The flip test in the kernel: one thread swaps two policies by one store, thousands of times a
 * second, while others send real packets through the programs on real veths. The event of every
 * packet must be wholly of one policy, and what both allow must arrive.
 *
 * @module
 */
import { type BpfMap, RingBuffer } from "ebpf-ts-loader";
import { roundUpToPages } from "ebpf-ts-loader/sys";
import { parseIpAddress } from "../../src/cluster/ip_address.ts";
import { readBpfObject } from "../../src/datapath/bpf_objects.ts";
import { collectMaps } from "../../src/datapath/conntrack_collection.ts";
import type { NodeState } from "../../src/datapath/datapath.ts";
import { DatapathMemory } from "../../src/datapath/datapath_memory.ts";
import { readEmulatorWasm } from "../../src/datapath/emulator_file.ts";
import { KernelNode } from "../../src/datapath/kernel_node.ts";
import {
  MAX_CONNTRACK,
  METRICS_VALUE_SIZE,
  POLICY_TABLE_SIZE,
  REASON_EVENT_LOST,
  REASON_FORWARDED,
} from "../../src/datapath/layout.ts";
import { attachPrograms } from "../../src/demo/attach_programs.ts";
import { type PodNetwork, Topology } from "../../src/demo/topology.ts";
import { WorkerThread } from "../worker_thread.ts";
import { CONTROL, makeControl } from "./control.ts";
import { EventCheck } from "./event_check.ts";
import type { FlipperOrder } from "./flipper_worker.ts";
import { openSender } from "./open_sender.ts";
import { IDENTITIES, POLICIES, POLICY } from "./policies.ts";
import type { SenderOrder, SenderResult } from "./sender_worker.ts";

/** Options of {@linkcode runFlips}. */
export interface FlipOptions {
  /** Flips at least. */
  readonly flips: number;
  /** Packets at least, of all senders. */
  readonly packets: number;
  /** Neighbouring events of different policies at least. @default {0} */
  readonly changes?: number;
  /** Threads that send. @default {2} */
  readonly senders?: number;
  readonly onProgress?: (flips: number, packets: number) => void;
}

/** What a flip test saw. */
export interface FlipReport {
  readonly flips: number;
  readonly seconds: number;
  readonly packets: number;
  /** Packets that both policies allow, and how many of them arrived. */
  readonly alwaysAllowed: number;
  readonly arrived: number;
  /** Packets that only one allows, and arrived. */
  readonly sometimesArrived: number;
  /** Events that let a packet of those pass, at the receiver's policy: as many must arrive. */
  readonly sometimesAllowed: number;
  readonly events: number;
  /** Events of the sender's policy, and those of them that let the packet pass. */
  readonly atEgress: number;
  readonly leftEgress: number;
  /** Events that found no room in the ring, of which nothing is known. */
  readonly eventsLost: number;
  /** Events by the revision that judged. */
  readonly judged: readonly [number, number];
  /** Neighbouring events of different revisions. */
  readonly changes: number;
  /** Events that are of neither policy, the first of them in words. */
  readonly mixed: number;
  readonly mixtures: readonly string[];
  /** CPUs that have run the programs. */
  readonly cpus: number;
}

/**
 * Whether every packet had its event at each policy that it met, each wholly of one of the two
 * policies, and none was lost that was allowed.
 */
export function flipsAreClean(report: FlipReport): boolean {
  const { mixed, eventsLost, alwaysAllowed, arrived, sometimesAllowed, sometimesArrived } = report;
  return mixed === 0 && eventsLost === 0 && arrived === alwaysAllowed &&
    sometimesArrived === sometimesAllowed && report.atEgress === report.packets &&
    report.events === report.packets + report.leftEgress;
}

const IDLE_MS = 1;

/** Runs the test. Needs root and Linux 6.6; leaves nothing behind. */
export async function runFlips(options: FlipOptions): Promise<FlipReport> {
  const { flips, packets, changes = 0, senders = 2, onProgress = () => {} } = options;
  const memory = new DatapathMemory(await readEmulatorWasm());
  using topology = Topology.create(PODS);
  const state = stateOf(topology.pods);
  memory.load(state);
  using node = await KernelNode.create(readBpfObject("datapath"), memory, state);
  const control = makeControl();
  const flipper = await flipperOrder(node, memory, control);
  using ring = new RingBuffer(node.map("events"));
  using sockets = new DisposableStack();
  using _attached = attachPrograms(node, topology);
  const orders = Array.from(
    { length: senders },
    (_, i) => openSender(topology.pods, i, control, sockets),
  );

  const start = performance.now();
  const events = new EventCheck();
  const flows = new FlowTable(node.map("conntrack4"));
  const drain = () => {
    const count = ring.drain((area, at) => events.add(area, at));
    Atomics.store(control, CONTROL.SEEN, events.atEgress);
    Atomics.notify(control, CONTROL.SEEN);
    return count;
  };
  using flipping = new WorkerThread<FlipperOrder, true>(moduleUrl("flipper_worker.ts"));
  using threads = new DisposableStack();
  const sending = orders.map((order) => {
    const url = moduleUrl("sender_worker.ts");
    return threads.use(new WorkerThread<SenderOrder, SenderResult>(url)).call(order);
  });
  const allSent = Promise.all(sending);
  const ended = Promise.all([allSent, flipping.call(flipper)]);
  // A thread that fails ends the loop below, and so do senders that are at their end.
  const stopped = Promise.race([
    ended.then(() => undefined, (error) => ({ error })),
    allSent.then(() => ({ error: undefined }), () => new Promise<undefined>(() => {})),
  ]);
  const isDone = () =>
    Atomics.load(control, CONTROL.FLIPS) >= flips &&
    Atomics.load(control, CONTROL.SENT) >= packets && events.changes >= changes;
  while (!isDone()) {
    if (drain() === 0) {
      const end = await Promise.race([stopped, pause(IDLE_MS)]);
      if (end?.error !== undefined) throw end.error;
      if (end !== undefined) break;
    }
    flows.makeRoom(Atomics.load(control, CONTROL.SENT));
    onProgress(Atomics.load(control, CONTROL.FLIPS), Atomics.load(control, CONTROL.SENT));
  }
  Atomics.store(control, CONTROL.STOP, 1);
  const [results] = await ended;
  drain();
  const seconds = (performance.now() - start) / 1000;
  const sum = (field: keyof SenderResult) =>
    results.reduce((total, result) => total + result[field], 0);
  return {
    flips: Atomics.load(control, CONTROL.FLIPS),
    seconds,
    packets: sum("sent"),
    alwaysAllowed: sum("mustArrive"),
    arrived: sum("arrived"),
    sometimesArrived: sum("sometimesArrived"),
    ...events.report,
    ...countersOf(node),
  };
}

const PODS = ["10.9.0.1", "10.9.0.2"].map((address, i) => ({
  id: i + 1,
  namespace: "flip",
  name: i === 0 ? "sender" : "receiver",
  addresses: [parseIpAddress(address)],
}));

function stateOf(pods: readonly PodNetwork[]): NodeState {
  const identityOf = (id: number) => IDENTITIES[id - 1] ?? 0;
  return {
    endpoints: pods.map(({ id, addresses, mac, nodeMac, ifindex }) => ({
      id,
      ipv4: addresses[4],
      mac,
      nodeMac,
      ifindex,
      identity: identityOf(id),
      policy: POLICY,
    })),
    identities: IDENTITIES.map((identity) => ({ identity, slot: identity })),
    ipcache: pods.flatMap(({ id, addresses }) =>
      addresses[4] ? [{ address: addresses[4], identity: identityOf(id) }] : []
    ),
    policies: [POLICIES[0]],
    events: ["drop", "policy_verdict"],
  };
}

async function flipperOrder(
  node: KernelNode,
  memory: DatapathMemory,
  control: Int32Array,
): Promise<FlipperOrder> {
  const tables = node.map("policy_tables");
  const first = new DataView(tables.lookup(POLICY)?.buffer ?? new ArrayBuffer(8));
  const second = await node.maps.add(memory.buildImage(POLICIES[1]), memory);
  return {
    fd: tables.fd,
    length: roundUpToPages(tables.maxEntries * POLICY_TABLE_SIZE),
    cell: POLICY,
    words: [first.getBigUint64(0, true), second],
    control,
  };
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** Flows after which a table that evicts is cleared: a full one may refuse an entry. */
const MOST_FLOWS = MAX_CONNTRACK / 2;
/** A packet's flow is known at both policies. */
const FLOWS_PER_PACKET = 2;
/** By then everything has expired. */
const END_OF_TIME = 0xffffffff;

/** Deletes flows, as user space does on a node; none of them has a second packet. */
class FlowTable {
  readonly #map: BpfMap;
  #clearedAt = 0;

  constructor(map: BpfMap) {
    this.#map = map;
  }

  makeRoom(packets: number): void {
    if ((packets - this.#clearedAt) * FLOWS_PER_PACKET < MOST_FLOWS) return;
    this.#clearedAt = packets;
    collectMaps([this.#map], END_OF_TIME);
  }
}

function moduleUrl(file: string): URL {
  return new URL(file, import.meta.url);
}

/** What the programs have counted, by CPU. */
function countersOf(node: KernelNode): { cpus: number; eventsLost: number } {
  const map = node.map("metrics");
  const perCpu = (reason: number, direction: number) => {
    const bytes = map.lookup(reason << 1 | direction) ?? new Uint8Array();
    const view = new DataView(bytes.buffer);
    return range(bytes.length / METRICS_VALUE_SIZE).map((cpu) =>
      Number(view.getBigUint64(cpu * METRICS_VALUE_SIZE, true))
    );
  };
  const both = (reason: number) => [...perCpu(reason, 0), ...perCpu(reason, 1)];
  return {
    cpus: perCpu(REASON_FORWARDED, 0).filter((packets) => packets > 0).length,
    eventsLost: both(REASON_EVENT_LOST).reduce((sum, count) => sum + count, 0),
  };
}

function pause(milliseconds: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), milliseconds));
}
