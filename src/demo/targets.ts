import type { ClusterObject } from "../cluster/object.ts";
import type { PortSpec } from "../cluster/rule.ts";
import { portSpecs } from "../verify/port_specs.ts";
import type { ProbeTarget } from "./probe.ts";

/** Ports of which the first that no policy names is tried as well, by protocol. */
const OTHER_PORTS = { TCP: [443, 8443, 9443, 10443], UDP: [53, 5353, 9053, 10053] } as const;

/** So that a demo takes seconds, whatever the manifests are. */
const MAX_PORTS_PER_PROTOCOL = 12;

/** What to try pods on. */
export interface ProbeTargets {
  readonly targets: readonly ProbeTarget[];
  /** Ports that policies name beyond what a demo tries. */
  readonly omitted: number;
}

/**
 * What to try pods on: each port that a policy names (of a range, the first and the one behind the
 * last), one that none names, and ping. Bounded.
 */
export function probeTargets(objects: Iterable<ClusterObject>): ProbeTargets {
  const specs = [...portSpecs(objects)];
  const tcp = portsOf("TCP", specs);
  const udp = portsOf("UDP", specs);
  const targets: ProbeTarget[] = [
    ...tcp.ports.map((port) => ({ protocol: "TCP", port }) as const),
    ...udp.ports.map((port) => ({ protocol: "UDP", port }) as const),
    { protocol: "ICMP", port: 0 },
  ];
  return { targets, omitted: tcp.omitted + udp.omitted };
}

function portsOf(protocol: "TCP" | "UDP", specs: readonly PortSpec[]) {
  const named = specs.filter((spec) => spec.protocol === protocol || spec.protocol === "ANY");
  const ports = new Set<number>();
  for (const { port, endPort } of named) {
    if (port === 0) continue; // every port
    ports.add(port);
    if (endPort !== undefined && endPort < 65535) ports.add(endPort + 1);
  }
  const covers = (port: number) =>
    named.some((spec) => port >= spec.port && port <= (spec.endPort ?? spec.port));
  const wanted = [...ports].sort((a, b) => a - b);
  const chosen = wanted.slice(0, MAX_PORTS_PER_PROTOCOL);
  const other = OTHER_PORTS[protocol].find((port) => !covers(port));
  if (other !== undefined && !chosen.includes(other)) chosen.push(other);
  return {
    ports: chosen.sort((a, b) => a - b),
    omitted: Math.max(0, wanted.length - MAX_PORTS_PER_PROTOCOL),
  };
}
