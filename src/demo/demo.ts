/**
 * The demo: the pods of a cluster as network namespaces on this machine, their policy in the
 * kernel, real sockets between them, and the emulator's prediction beside what happened.
 *
 * @module
 */
import type { ClusterObject } from "../cluster/object.ts";
import type { NodeState } from "../datapath/datapath.ts";
import { DatapathMemory } from "../datapath/datapath_memory.ts";
import { Emulator } from "../datapath/emulator.ts";
import { readEmulatorWasm } from "../datapath/emulator_file.ts";
import { L7ConflictError } from "../policy/problems.ts";
import type { PolicySnapshot } from "../policy/snapshot.ts";
import type { Scenario } from "../verify/scenario.ts";
import { Decisions } from "./decision.ts";
import type { FlowEvent } from "./event.ts";
import { LivePrograms } from "./live_programs.ts";
import { notShown } from "./not_shown.ts";
import { flowOf, predict, predictedFlow } from "./prediction.ts";
import { planProbes } from "./probe.ts";
import { compareResult, type DemoResult, shortName } from "./result.ts";
import { type EventNames, formatEvent } from "./sentence.ts";
import { probeTargets } from "./targets.ts";
import { Topology } from "./topology.ts";
import { runTraffic } from "./traffic.ts";

/** Most pods that a demo takes: it tries every pair of them. */
export const MAX_DEMO_PODS = 16;

const PREDICTIONS_AT_ONCE = 1024;

/** Options for {@linkcode runDemo}. */
export interface DemoOptions {
  /** Called with a sentence per event, as it happens. */
  readonly onEvent?: (sentence: string, denied: boolean) => void;
  /** Ends the demo; the promise then rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** What a demo came to. */
export interface DemoReport {
  readonly results: readonly DemoResult[];
  /** What was not tried, and why; one line each. */
  readonly notes: readonly string[];
}

/** The cluster that was given cannot be shown. */
export class DemoInputError extends Error {
  override name = "DemoInputError";
}

/**
 * Runs the demo. Whatever happens, nothing is left behind: no namespace, interface or program has
 * a name or a pin, so that they end with their descriptors.
 *
 * @throws {DemoInputError} If there are too few or too many pods, or they contradict each other.
 * @throws What {@linkcode missingFeature} recognises, where the kernel or a privilege is missing.
 */
export async function runDemo(
  scenario: Scenario,
  { onEvent, signal }: DemoOptions = {},
): Promise<DemoReport> {
  const { snapshot } = scenario;
  const { endpoints } = snapshot;
  const { targets, omitted } = probeTargets(scenario.objects);
  const notes = notesOn(scenario.objects, omitted);
  requireUsable(snapshot, endpoints.length);
  const memory = new DatapathMemory(await readEmulatorWasm());
  using emulator = new Emulator(memory);
  using topology = Topology.create(endpoints);
  // No proxy listens in the demo: what is redirected is dropped, as on a node where it is down.
  const state = stateOf(scenario.withoutProxies(), topology);
  emulator.load(state);
  const names = namesOf(snapshot);
  const probes = planProbes(topology.pods, targets);
  const batch = memory.packetBatch(Math.min(probes.length, PREDICTIONS_AT_ONCE));
  const predicted = predict(probes, { datapath: emulator, batch, names });
  const decided = new Decisions(names);
  signal?.throwIfAborted();
  using programs = await LivePrograms.attach({
    topology,
    state,
    memory,
    onEvent: (event) => {
      decided.add(event);
      if (isNews(event, names)) onEvent?.(formatEvent(event, names), event.type === "drop");
    },
  });
  const results = await runTraffic(probes, {
    ...(signal ? { signal } : {}),
    dropped: (probe, sport) => {
      programs.drain();
      return decided.of(flowOf(probe, sport))?.allowed === false;
    },
  });
  programs.drain();
  const compared = results.map((result) =>
    compareResult(
      result,
      decided.of(flowOf(result.probe, result.sport)),
      predicted.of(predictedFlow(result.probe)),
    )
  );
  return { results: compared, notes };
}

function requireUsable({ problems }: PolicySnapshot, pods: number): void {
  const problem = problems.find((one) => !(one instanceof L7ConflictError));
  if (problem) throw new DemoInputError(problem.message, { cause: problem });
  if (pods >= 2 && pods <= MAX_DEMO_PODS) return;
  throw new DemoInputError(
    `Cannot show "cluster": ${pods} pods, expected 2 to ${MAX_DEMO_PODS}`,
  );
}

function notesOn(objects: readonly ClusterObject[], omitted: number): string[] {
  const notes = notShown(objects);
  if (omitted > 0) notes.push(`${omitted} more ports that policies name were not tried`);
  return notes;
}

/** The state of the node with the interfaces that the topology has. */
function stateOf({ node: state }: Scenario, topology: Topology): NodeState {
  const pods = new Map(topology.pods.map((pod) => [pod.id, pod]));
  const endpoints = state.endpoints.flatMap((endpoint) => {
    const pod = pods.get(endpoint.id);
    if (!pod) return [];
    return [{ ...endpoint, ifindex: pod.ifindex, mac: pod.mac, nodeMac: pod.nodeMac }];
  });
  return { ...state, endpoints, events: ["drop", "policy_verdict"] };
}

/**
 * Between pods every packet is judged twice, and the destination's word is the last. The node's
 * own group membership reports (MLD) are dropped as well, and are nobody's news.
 */
function isNews({ type, direction, flow }: FlowEvent, names: EventNames): boolean {
  if (!flow || !names.ownerOf(flow.source.text) || !names.ownerOf(flow.destination.text)) {
    return false;
  }
  return type === "drop" || (type === "policy_verdict" && direction === "ingress");
}

/** Pods of the namespace `default` go by their bare name. */
function namesOf(snapshot: PolicySnapshot): EventNames {
  const owners = new Map(
    snapshot.ipcache.map(({ address, owner }) => [address.text, shortName(owner)]),
  );
  return {
    ownerOf: (address) => owners.get(address),
    rulesOf: (cookie) => snapshot.rulesOf(cookie),
  };
}
