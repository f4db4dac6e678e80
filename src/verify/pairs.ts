/**
 * Who may talk to whom, by the naive reading of the rules: the part of the report that a
 * policy author checks against the intention.
 *
 * @module
 */
import type { CiliumNetworkPolicy } from "../cluster/object.ts";
import type { RuleOrigin } from "../cluster/rule.ts";
import { evaluate, type SideVerdict } from "../spec/evaluate.ts";
import { ECHO_REQUEST, IP_PROTOCOL, protocolName } from "./flow.ts";
import { type Interval, Partition } from "./partition.ts";
import type { Party, Scenario } from "./scenario.ts";

/** What one side says of the flows in a {@linkcode PairRow}. */
export interface PairSide {
  readonly verdict: "allowed" | "denied";
  readonly rules: readonly RuleOrigin[];
}

/** Flows from one pod to another that are treated alike. */
export interface PairRow {
  readonly source: string;
  readonly destination: string;
  /** `80/TCP`, `8080-8095/UDP`, … or `other`. */
  readonly ports: readonly string[];
  readonly egress: PairSide;
  readonly ingress: PairSide;
}

const TRANSPORTS = ["TCP", "UDP", "SCTP"] as const;
type Transport = typeof TRANSPORTS[number];
const PORT_MAX = 0xffffn;

/** The ranges that rules name for a protocol, as written. */
export function* rulePorts(
  policies: readonly CiliumNetworkPolicy[],
  transports: readonly Transport[] = TRANSPORTS,
): Generator<Interval> {
  for (const { specs } of policies) {
    for (const { ingress = [], egress = [] } of specs) {
      const ports = [...ingress, ...egress].flatMap((rule) => rule.toPorts ?? [])
        .flatMap((item) => item.ports);
      for (const { port, endPort, protocol } of ports) {
        if (port === 0 || (protocol !== "ANY" && !transports.includes(protocol))) continue;
        yield { first: BigInt(port), last: BigInt(endPort ?? port) };
      }
    }
  }
}

/** Every ordered pair of pods, with one row for each group of ports that is treated alike. */
export function* pairRows(scenario: Scenario): Generator<PairRow> {
  const parties = scenario.node.endpoints.map(({ id }) => scenario.endpoint(id).party);
  const probes = [...probesOf(scenario.policies)];
  for (const source of parties) {
    for (const destination of parties) {
      if (source.name !== destination.name) yield* rowsOf(scenario, source, destination, probes);
    }
  }
}

/** A port that stands for an interval, and what to call that. */
interface Probe {
  readonly protocol: number;
  readonly port: number;
  readonly name: string;
}

const OTHER = "other";

function* probesOf(policies: readonly CiliumNetworkPolicy[]): Generator<Probe> {
  for (const transport of TRANSPORTS) {
    const protocol = IP_PROTOCOL[transport];
    const named = [...rulePorts(policies, [transport])];
    const partition = new Partition(PORT_MAX, named);
    for (let i = 0; i < partition.size; i++) {
      const { first, last } = partition.interval(i);
      const isNamed = named.some((range) => range.first <= first && range.last >= last);
      const range = first === last ? `${first}` : `${first}-${last}`;
      const name = isNamed ? `${range}/${transport}` : OTHER;
      yield { protocol, port: Number(first), name };
    }
  }
  const { ICMP } = IP_PROTOCOL;
  yield { protocol: ICMP, port: ECHO_REQUEST[4], name: protocolName(ICMP) };
}

function rowsOf(
  { policies }: Scenario,
  source: Party,
  destination: Party,
  probes: readonly Probe[],
): PairRow[] {
  const rows = new Map<string, { ports: string[]; egress: PairSide; ingress: PairSide }>();
  for (const { protocol, port, name } of probes) {
    const flow = { source: source.peer, destination: destination.peer, protocol, port };
    const { egress, ingress } = evaluate(policies, flow);
    const key = JSON.stringify([egress, ingress]);
    const row = rows.get(key) ?? { ports: [], egress: sideOf(egress), ingress: sideOf(ingress) };
    if (!row.ports.includes(name)) row.ports.push(name);
    rows.set(key, row);
  }
  return [...rows.values()]
    // What is treated like everything unnamed needs no name.
    .map((row) => ({ ...row, ports: row.ports.includes(OTHER) ? [OTHER] : row.ports }))
    .sort((a, b) => Number(a.ports.includes(OTHER)) - Number(b.ports.includes(OTHER)))
    .map((row) => ({ source: source.name, destination: destination.name, ...row }));
}

function sideOf({ verdict, rules }: SideVerdict): PairSide {
  return { verdict: verdict === "allow" ? "allowed" : "denied", rules };
}
