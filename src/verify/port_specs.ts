import type { ClusterObject, PolicyObject } from "../cluster/object.ts";
import type { PortProtocol, PortSpec, TrafficRule } from "../cluster/rule.ts";
import type { Interval } from "./partition.ts";

/**
 * Every port and range that policies name, as written, whatever their kind. For a port name:
 * the ports that any pod declares under it.
 */
export function* portSpecs(objects: Iterable<ClusterObject>): Generator<PortSpec> {
  const names = new Set<string>();
  const all = [...objects];
  for (const object of all) {
    for (const port of portsOf(object)) {
      if (typeof port === "string") names.add(port.toLowerCase());
      else yield port;
    }
  }
  if (names.size === 0) return;
  for (const object of all) {
    if (object.kind !== "Pod") continue;
    for (const { name, port, protocol } of object.containerPorts ?? []) {
      if (name !== undefined && names.has(name.toLowerCase())) yield { port, protocol };
    }
  }
}

/** The ranges of {@linkcode portSpecs} that are of one of the protocols. */
export function* portRanges(
  specs: Iterable<PortSpec>,
  protocols: readonly PortProtocol[] = ["TCP", "UDP", "SCTP"],
): Generator<Interval> {
  for (const { port, endPort, protocol } of specs) {
    // 0 is every port, which is no boundary.
    if (port === 0 || (protocol !== "ANY" && !protocols.includes(protocol))) continue;
    yield { first: BigInt(port), last: BigInt(endPort ?? port) };
  }
}

/** Every ICMP type that policies name, of either family. */
export function* icmpTypes(objects: Iterable<ClusterObject>): Generator<number> {
  for (const object of objects) {
    for (const { icmps = [] } of ciliumRules(object)) {
      for (const { fields } of icmps) for (const { type } of fields) yield type;
    }
  }
}

/** Ports of one object; texts are port names. */
function* portsOf(object: ClusterObject): Generator<PortSpec | string> {
  for (const { toPorts = [] } of ciliumRules(object)) {
    for (const { ports, namedPorts = [] } of toPorts) {
      yield* ports;
      for (const { name } of namedPorts) yield name;
    }
  }
  if (object.kind === "NetworkPolicy") {
    for (const { ports = [] } of [...object.ingress ?? [], ...object.egress ?? []]) {
      for (const { port = 0, endPort, protocol } of ports) {
        if (typeof port === "string") yield port;
        else yield { port, protocol, ...(endPort === undefined ? {} : { endPort }) };
      }
    }
  }
  if (object.kind === "ClusterNetworkPolicy") {
    for (const { protocols = [] } of [...object.ingress, ...object.egress]) {
      for (const one of protocols) {
        if ("namedPort" in one) yield one.namedPort;
        else yield { port: one.ports.start, endPort: one.ports.end, protocol: one.protocol };
      }
    }
  }
}

/** Every rule of a Cilium policy, whatever its direction and effect; none of other objects. */
export function ciliumRules(object: ClusterObject): readonly TrafficRule[] {
  if (!isCilium(object)) return [];
  return object.specs.flatMap((
    { ingress = [], ingressDeny = [], egress = [], egressDeny = [] },
  ) => [
    ...ingress,
    ...ingressDeny,
    ...egress,
    ...egressDeny,
  ]);
}

function isCilium(
  object: ClusterObject,
): object is Extract<PolicyObject, { kind: `Cilium${string}` }> {
  return object.kind === "CiliumNetworkPolicy" || object.kind === "CiliumClusterwideNetworkPolicy";
}
