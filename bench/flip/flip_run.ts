/**
 * The flip test in the kernel: one thread swaps two policies by one store, thousands of times a
 * second, while others send real packets through the programs on real veths. The event of every
 * packet must be wholly of one policy, and what both allow must arrive.
 *
 * @module
 */
import { RingBuffer } from "ebpf-ts-loader";
import { AF, check, Fd, openSocket, roundUpToPages, SYS, syscall } from "ebpf-ts-loader/sys";
import { parseIpAddress } from "../../src/cluster/ip_address.ts";
import { readBpfObject } from "../../src/datapath/bpf_objects.ts";
import type { NodeState } from "../../src/datapath/datapath.ts";
import { DatapathMemory } from "../../src/datapath/datapath_memory.ts";
import { readEmulatorWasm } from "../../src/datapath/emulator_file.ts";
import { KernelNode } from "../../src/datapath/kernel_node.ts";
import {
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
import { ALWAYS_PORT, IDENTITIES, POLICIES, POLICY, SOMETIMES_PORT } from "./policies.ts";
import type { SenderOrder, SenderResult, Target } from "./sender_worker.ts";

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

/** The senders have begun every flow that they can, and not enough has been seen. */
class FlowsUsedUpError extends Error {
  override readonly name = "FlowsUsedUpError";

  constructor() {
    super('Cannot go on with "flips": no new flow is left, expected fewer packets or changes');
  }
}

const ALWAYS_TARGETS = 24;
const SOMETIMES_TARGETS = 8;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const IPPROTO_RAW = 255;
/** One thread after the other has ports of its own. */
const PORTS_PER_SENDER = 32;
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
    (_, i) => senderOrder(topology.pods, i, control, sockets),
  );

  const start = performance.now();
  const events = new EventCheck();
  const drain = () => {
    const count = ring.drain((area, at) => events.add(area, at));
    Atomics.add(control, CONTROL.EVENTS, count);
    Atomics.notify(control, CONTROL.EVENTS);
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
  // A thread that fails ends the loop below, and so do senders that have no flows left.
  const stopped = Promise.race([
    ended.then(() => undefined, (error) => ({ error })),
    allSent.then(() => ({ error: new FlowsUsedUpError() }), () => new Promise<undefined>(() => {})),
  ]);
  const isDone = () =>
    Atomics.load(control, CONTROL.FLIPS) >= flips &&
    Atomics.load(control, CONTROL.SENT) >= packets && events.changes >= changes;
  while (!isDone()) {
    if (drain() === 0) {
      const failure = await Promise.race([stopped, pause(IDLE_MS)]);
      if (failure !== undefined) throw failure.error;
    }
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

function senderOrder(
  pods: readonly PodNetwork[],
  index: number,
  control: Int32Array,
  sockets: DisposableStack,
): SenderOrder {
  const [sender, receiver] = pods;
  const source = sender?.addresses[4];
  const destination = receiver?.addresses[4];
  if (!sender || !receiver || !source || !destination) {
    throw new TypeError('Cannot send packets: no "pods", expected two with IPv4 addresses');
  }
  const raw = sender.netns.run(() =>
    check(syscall(SYS.socket, AF.INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW), "socket")
  );
  sockets.use(new Fd(raw));
  const target = (port: number, always: boolean): Target => {
    const socket = sockets.use(openSocket(4, "udp", { netns: receiver.netns }));
    socket.bind({ address: destination, port });
    return { port, fd: socket.fd, always };
  };
  const base = index * PORTS_PER_SENDER;
  const targets = [
    ...range(ALWAYS_TARGETS).map((i) => target(ALWAYS_PORT + base + i, true)),
    ...range(SOMETIMES_TARGETS).map((i) => target(SOMETIMES_PORT + base + i, false)),
  ];
  return { fd: raw, source, destination, targets, control };
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
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
