import type { PodNetwork } from "./topology.ts";

/** Protocols that pods try to reach each other by. */
export type ProbeProtocol = "TCP" | "UDP" | "ICMP";

/** What one pod tries. */
export interface Probe {
  readonly source: PodNetwork;
  readonly destination: PodNetwork;
  readonly family: 4 | 6;
  readonly protocol: ProbeProtocol;
  /** Destination port; ICMP: 0. */
  readonly port: number;
}

/** A protocol and port that every pod is tried on; the port of ICMP is 0. */
export type ProbeTarget = Pick<Probe, "protocol" | "port">;

/** Every ordered pair of pods × target × family that both have. */
export function planProbes(
  pods: readonly PodNetwork[],
  targets: readonly ProbeTarget[],
): Probe[] {
  const pairs = pods.flatMap((source) =>
    pods.filter((destination) => destination !== source)
      .map((destination) => ({ source, destination }))
  );
  return pairs.flatMap(({ source, destination }) =>
    targets.flatMap((target) =>
      ([4, 6] as const)
        .filter((family) => source.addresses[family] && destination.addresses[family])
        .map((family) => ({ source, destination, family, ...target }))
    )
  );
}

/** The pod's address of the family. @throws {TypeError} If it has none. */
export function addressOf(pod: PodNetwork, family: 4 | 6): Uint8Array {
  const address = pod.addresses[family];
  if (address) return address;
  throw new TypeError(`Cannot probe "${pod.name}": no IPv${family} address, expected one`);
}
