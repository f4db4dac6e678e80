/**
 * A mismatch as a folder that one command replays: the manifests, the packets as pcap for
 * people, and everything else as JSON.
 *
 * @module
 */
import { type IpAddress, tryParseIpAddress } from "../cluster/ip_address.ts";
import type { EnforcementMode } from "../policy/settings.ts";
import type { BatchMismatch } from "./class_run.ts";
import type { Flow } from "./flow.ts";
import type { Phase } from "./packet_maker.ts";
import { pcapOf } from "../pcap/write_pcap.ts";
import type { Scenario } from "./scenario.ts";
import type { ScenarioOptions, ScenarioSettings } from "./scenario_options.ts";

/** A file of the folder. */
export interface ReproducerFile {
  readonly name: string;
  readonly content: Uint8Array | string;
}

/** A byte of a policy image with its lowest bit turned over, on purpose. */
export interface ImageFault {
  readonly datapath: "emulator" | "kernel";
  /** Number of the policy. */
  readonly policy: number;
  /** Offset in its image. */
  readonly byte: number;
}

/** Packet of a reproducer. */
export interface ReproducerPacket {
  /** `namespace/name` of the pod whose program ran. */
  readonly endpoint: string;
  readonly phase: Phase;
  readonly ttl: number;
  readonly flow: Omit<Flow, "source" | "destination" | "endpoint"> & {
    readonly source: string;
    readonly destination: string;
  };
}

/** The options of a scenario as JSON; what is left out has its default. */
export interface ReproducerView extends Omit<ScenarioOptions, "names"> {
  /** Addresses by DNS name. */
  readonly names?: Readonly<Record<string, readonly string[]>>;
  /** False: no proxy listened. @default {true} */
  readonly proxies?: boolean;
}

/** Content of `reproducer.json`. */
export interface Reproducer {
  readonly version: 1;
  readonly seed: number;
  /** Absent for what is not on purpose. */
  readonly fault?: ImageFault;
  /** How the manifests were taken. */
  readonly view: ReproducerView;
  /** Rows of the packet table by their description; then there are no packets. */
  readonly rows: readonly string[];
  readonly packets: readonly ReproducerPacket[];
  /** What was seen, for people; a replay looks for itself. */
  readonly differences: readonly string[];
  readonly answers: Readonly<Record<string, string>>;
}

/** Name of the file that {@linkcode parseReproducer} reads. */
export const REPRODUCER_FILE = "reproducer.json";
/** Name of the file with the cluster. */
export const MANIFESTS_FILE = "manifests.yaml";

/** Makes the files of a reproducer. */
export function reproducerFiles(
  scenario: Scenario,
  mismatch: BatchMismatch,
  { seed, fault }: { seed: number; fault?: ImageFault | undefined },
): ReproducerFile[] {
  const { packets, differences, answers } = mismatch;
  const reproducer: Reproducer = {
    version: 1,
    seed,
    ...(fault === undefined ? {} : { fault }),
    view: viewOf(scenario),
    rows: [...new Set(packets.flatMap(({ row }) => row ?? []))],
    packets: packets.flatMap(({ origin }) => {
      if (origin === undefined) return [];
      const { flow: { endpoint, source, destination, ...flow }, phase, ttl } = origin;
      return [{
        endpoint: scenario.endpoint(endpoint).party.name,
        phase,
        ttl,
        flow: { ...flow, source: source.text, destination: destination.text },
      }];
    }),
    differences,
    answers,
  };
  const texts = scenario.manifests.map(({ name, text }) => `# from ${oneLine(name)}\n${text}`);
  return [
    { name: MANIFESTS_FILE, content: texts.join("\n---\n") },
    { name: "packets.pcap", content: pcapOf(packets) },
    { name: REPRODUCER_FILE, content: `${JSON.stringify(reproducer, undefined, 2)}\n` },
  ];
}

function viewOf({ options: { names, ...options }, hasProxies }: Scenario): ReproducerView {
  const texts = [...names ?? []].map(([name, all]) => [name, all.map(({ text }) => text)]);
  return {
    ...options,
    ...(texts.length === 0 ? {} : { names: Object.fromEntries(texts) }),
    ...(hasProxies ? {} : { proxies: false }),
  };
}

/** The options of the scenario that a reproducer is about. */
export function optionsOfView({ names = {}, proxies: _, ...options }: ReproducerView) {
  const addresses = Object.entries(names).map(([name, texts]) =>
    [name, texts.map(addressOf)] as const
  );
  return { ...options, names: new Map(addresses) } satisfies ScenarioOptions;
}

function addressOf(text: string): IpAddress {
  return tryParseIpAddress(text) ?? refuse("address", text, "one");
}

/** A file name may hold anything, even a line that would be a manifest. */
function oneLine(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/**
 * Reads `reproducer.json`.
 *
 * @throws {SyntaxError} If it is not JSON, or not a reproducer of this version.
 */
export function parseReproducer(text: string): Reproducer {
  const json: unknown = JSON.parse(text);
  const { version, seed, fault, view = {}, rows, packets } = objectAt(json, "reproducer");
  if (version !== 1) refuse("version", version, "1");
  return {
    version,
    seed: numberAt(seed, "seed"),
    ...(fault === undefined ? {} : { fault: parseFault(fault) }),
    view: parseView(view),
    rows: listAt(rows, "rows").map((row, i) => stringAt(row, `rows[${i}]`)),
    packets: listAt(packets, "packets").map((packet, i) => parsePacket(packet, `packets[${i}]`)),
    differences: [],
    answers: {},
  };
}

/**
 * The flow of a packet, in a scenario.
 *
 * @throws {SyntaxError} If the packet's pod is not in the scenario, or an address is none.
 */
export function flowOfPacket({ endpoint, flow }: ReproducerPacket, scenario: Scenario): Flow {
  const state = scenario.node.endpoints.find(({ id }) =>
    scenario.endpoint(id).party.name === endpoint
  );
  if (state === undefined) refuse("packet's endpoint", endpoint, "a pod of the manifests");
  const source = addressOf(flow.source);
  const destination = addressOf(flow.destination);
  if (source.family !== destination.family) refuse("addresses", flow.source, "one family");
  return { ...flow, endpoint: state.id, source, destination };
}

const PHASES: readonly unknown[] = ["first", "again", "answer"] satisfies Phase[];

function parsePacket(value: unknown, path: string): ReproducerPacket {
  const { endpoint, phase, ttl, flow } = objectAt(value, path);
  const fields = objectAt(flow, `${path}.flow`);
  const { hook } = fields;
  if (hook !== "from_container" && hook !== "to_container") {
    refuse(`${path}.flow.hook`, hook, "one");
  }
  if (!PHASES.includes(phase)) refuse(`${path}.phase`, phase, PHASES.join(", "));
  const number = (name: string) => numberAt(fields[name], `${path}.flow.${name}`);
  return {
    endpoint: stringAt(endpoint, `${path}.endpoint`),
    phase: phase as Phase,
    ttl: numberAt(ttl, `${path}.ttl`),
    flow: {
      hook,
      source: stringAt(fields["source"], `${path}.flow.source`),
      destination: stringAt(fields["destination"], `${path}.flow.destination`),
      protocol: number("protocol"),
      sport: number("sport"),
      dport: number("dport"),
      code: number("code"),
      tcpFlags: number("tcpFlags"),
      mark: number("mark"),
    },
  };
}

const MODES: readonly unknown[] = ["default", "always", "never"] satisfies EnforcementMode[];

function parseView(value: unknown): ReproducerView {
  const { node, settings, names, audit, proxies } = objectAt(value, "view");
  return {
    ...(node === undefined ? {} : { node: stringAt(node, "view.node") }),
    ...(settings === undefined ? {} : { settings: parseSettings(settings) }),
    ...(names === undefined ? {} : { names: parseNames(names) }),
    ...(audit === undefined ? {} : { audit: booleanAt(audit, "view.audit") }),
    ...(proxies === undefined ? {} : { proxies: booleanAt(proxies, "view.proxies") }),
  };
}

function parseSettings(value: unknown): ScenarioSettings {
  const fields = objectAt(value, "view.settings");
  const { enforcement, allowLocalhost, cidrMatchesNodes } = fields;
  if (enforcement !== undefined && !MODES.includes(enforcement)) {
    refuse("view.settings.enforcement", enforcement, MODES.join(", "));
  }
  const flag = (name: "allowLocalhost" | "cidrMatchesNodes", given: unknown) =>
    given === undefined ? {} : { [name]: booleanAt(given, `view.settings.${name}`) };
  return {
    ...(enforcement === undefined ? {} : { enforcement: enforcement as EnforcementMode }),
    ...flag("allowLocalhost", allowLocalhost),
    ...flag("cidrMatchesNodes", cidrMatchesNodes),
  };
}

function parseNames(value: unknown): Record<string, string[]> {
  const names = Object.entries(objectAt(value, "view.names"));
  return Object.fromEntries(names.map(([name, addresses]) => {
    const path = `view.names.${name}`;
    return [name, listAt(addresses, path).map((text) => addressOf(stringAt(text, path)).text)];
  }));
}

/** Reads a fault. */
export function parseFault(value: unknown): ImageFault {
  const { datapath, policy, byte } = objectAt(value, "fault");
  if (datapath !== "emulator" && datapath !== "kernel") {
    refuse("fault.datapath", datapath, "emulator or kernel");
  }
  return { datapath, policy: numberAt(policy, "policy"), byte: numberAt(byte, "byte") };
}

/** The value as an object, or a SyntaxError that names its path. */
export function objectAt(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    refuse(path, value, "an object");
  }
  return value as Record<string, unknown>;
}

/** The value as a list, or a SyntaxError. */
export function listAt(value: unknown, path: string): unknown[] {
  return Array.isArray(value) ? value : refuse(path, value, "a list");
}

/** The value as a text, or a SyntaxError. */
export function stringAt(value: unknown, path: string): string {
  return typeof value === "string" ? value : refuse(path, value, "a text");
}

function booleanAt(value: unknown, path: string): boolean {
  return typeof value === "boolean" ? value : refuse(path, value, "true or false");
}

/** The value as an unsigned 32-bit number, or a SyntaxError. */
export function numberAt(value: unknown, path: string): number {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= 0xffffffff
    ? Number(value)
    : refuse(path, value, "a whole number up to 2^32 - 1");
}

/** Throws a SyntaxError: what stands at a path, and what is expected there. */
export function refuse(path: string, value: unknown, expected: string): never {
  const shown = (JSON.stringify(value) ?? "absent").slice(0, 80);
  throw new SyntaxError(`Cannot read "${path}": ${shown}, expected ${expected}`);
}
