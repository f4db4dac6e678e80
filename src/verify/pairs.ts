/**
 * Who may talk to whom, by the naive reading of the rules: the part of the report that a
 * policy author checks against the intention.
 *
 * @module
 */
import type { ClusterObject } from "../cluster/object.ts";
import type { RuleOrigin } from "../cluster/rule.ts";
import { Ends } from "../spec/ends.ts";
import type { SideVerdict } from "../spec/evaluate.ts";
import { ECHO_REQUEST, IP_PROTOCOL, protocolName } from "./flow.ts";
import type { Party } from "./parties.ts";
import { Partition } from "./partition.ts";
import { portRanges, portSpecs } from "./port_specs.ts";
import type { Scenario } from "./scenario.ts";

/** What one side says of the flows in a {@linkcode PairRow}. */
export interface PairSide {
  /** `redirected`: allowed as far as a proxy, which decides. */
  readonly verdict: "allowed" | "denied" | "redirected";
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
const PORT_MAX = 0xffffn;

/** Every ordered pair of pods, with one row for each group of ports that is treated alike. */
export function* pairRows(scenario: Scenario): Generator<PairRow> {
  const ends = new Ends(scenario.objects);
  const parties = scenario.objects.filter((object) => object.kind === "Pod")
    .filter(({ hostNetwork, terminated }) => !hostNetwork && !terminated)
    .map((pod) => ({ name: `${pod.namespace}/${pod.name}`, peer: ends.pod(pod) }));
  const probes = [...probesOf(scenario.objects)];
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

function* probesOf(objects: readonly ClusterObject[]): Generator<Probe> {
  const specs = [...portSpecs(objects)];
  for (const transport of TRANSPORTS) {
    const protocol = IP_PROTOCOL[transport];
    const named = [...portRanges(specs, [transport])];
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

type PodEnd = Pick<Party, "name" | "peer">;

function rowsOf(
  scenario: Scenario,
  source: PodEnd,
  destination: PodEnd,
  probes: readonly Probe[],
): PairRow[] {
  const rows = new Map<string, { ports: string[]; egress: PairSide; ingress: PairSide }>();
  for (const { protocol, port, name } of probes) {
    const flow = { source: source.peer, destination: destination.peer, protocol, port };
    const egress = sideOf(scenario.evaluate(flow, "egress"));
    const ingress = sideOf(scenario.evaluate(flow, "ingress"));
    const key = JSON.stringify([egress, ingress]);
    const row = rows.get(key) ?? { ports: [], egress, ingress };
    if (!row.ports.includes(name)) row.ports.push(name);
    rows.set(key, row);
  }
  return [...rows.values()]
    // What is treated like everything unnamed needs no name.
    .map((row) => ({ ...row, ports: row.ports.includes(OTHER) ? [OTHER] : row.ports }))
    .sort((a, b) => Number(a.ports.includes(OTHER)) - Number(b.ports.includes(OTHER)))
    .map((row) => ({ source: source.name, destination: destination.name, ...row }));
}

function sideOf({ verdict, rules, redirect, authentication }: SideVerdict): PairSide {
  if (verdict === "deny" || authentication !== undefined) return { verdict: "denied", rules };
  return { verdict: redirect === undefined ? "allowed" : "redirected", rules };
}
