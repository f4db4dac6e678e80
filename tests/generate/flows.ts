import {
  type IpAddress,
  ipAddressFromWords,
  parseIpAddress,
} from "../../src/cluster/ip_address.ts";
import { type IpPrefix, parseIpPrefix } from "../../src/cluster/ip_prefix.ts";
import type { ClusterObject, Pod } from "../../src/cluster/object.ts";
import type { RuleDirection } from "../../src/cluster/rule.ts";
import { Ends } from "../../src/spec/ends.ts";
import type { Flow } from "../../src/spec/flow.ts";
import type { Peer } from "../../src/spec/peer.ts";
import type { Json } from "./manifest.ts";
import { API_SERVER, NODES, OUTSIDE } from "./universe.ts";
import type { World } from "./world.ts";

/** One end of flows, by name and address. */
export interface End {
  readonly title: string;
  readonly peer: Peer;
  /** By which of its addresses it is met; absent for a pod without addresses. */
  readonly address: IpAddress | undefined;
  /** The pod behind it, if it is one. */
  readonly pod?: Pod;
}

/** A protocol and a port, or an ICMP type. */
export interface Probe {
  readonly protocol: number;
  readonly port: number;
}

/** One side of a flow. */
export interface Side {
  readonly subject: End;
  readonly peer: End;
  readonly direction: RuleDirection;
  readonly probe: Probe;
}

/** The flow that a side is of. */
export function flowOf({ subject, peer, direction, probe }: Side): Flow {
  return direction === "ingress"
    ? { source: peer.peer, destination: subject.peer, ...probe }
    : { source: subject.peer, destination: peer.peer, ...probe };
}

/** Names a side, for messages. */
export function titleOf({ subject, peer, direction, probe }: Side): string {
  return `${subject.title} ${direction} ${peer.title} ${probe.protocol}/${probe.port}`;
}

/** Who policies are for, on the node whose view is taken: its pods, and itself. */
export function subjectsOf(objects: readonly ClusterObject[]): End[] {
  const [own] = NODES;
  const pods = podEnds(objects).filter(({ pod }) => pod?.nodeName === own.name && !pod.hostNetwork);
  return [...pods, ...nodeEnds(new Ends(objects), own)];
}

/** Everyone that a rule can name, and those just beside them. */
export function peersOf(world: World, objects: readonly ClusterObject[]): End[] {
  const ends = new Ends(objects);
  const nodes = NODES.flatMap((node) => nodeEnds(ends, node));
  const known = new Set([...podEnds(objects), ...nodes].map(({ address }) => address?.text));
  const outside = [...boundaryAddresses(world)].filter(({ text }) => !known.has(text))
    .map((address): End => ({ title: address.text, peer: ends.at(address), address }));
  return [...podEnds(objects), ...nodes, ...outside];
}

function podEnds(objects: readonly ClusterObject[]): End[] {
  const ends = new Ends(objects);
  return objects.filter((object) => object.kind === "Pod").flatMap((pod) =>
    pod.addresses.map((address): End => ({
      title: `${pod.namespace}/${pod.name} (${address.text})`,
      peer: ends.pod(pod, address),
      address,
      pod,
    }))
  );
}

function nodeEnds(ends: Ends, { name, ipv4, ipv6 }: typeof NODES[number]): End[] {
  return [ipv4, ipv6].map(parseIpAddress)
    .map((address) => ({ title: name, peer: ends.node(name, address), address }));
}

/**
 * Ends of every block that the manifests name, and their neighbours. Of those that lie in
 * the same blocks the first and the last are enough: nothing tells them apart.
 */
function boundaryAddresses({ manifests }: World): readonly IpAddress[] {
  const text = JSON.stringify(manifests);
  const quoted = new Set(text.match(/"[0-9a-f.:]+\/[0-9]+"/g) ?? []);
  const blocks = [...quoted].map((block) => parseIpPrefix(block.slice(1, -1)));
  const beside = blocks.flatMap((block) => {
    const [first, last] = [block.address, lastOf(block)];
    return block.length === 0 ? [first, last] : [first, last, step(first, -1n), step(last, 1n)];
  });
  const noted = [...OUTSIDE, API_SERVER, "203.0.113.1", "2001:db9::1"].map(parseIpAddress);
  const known = new Set(noted.map((address) => address.text));
  const alike = Object.groupBy(
    beside.filter((address) => !known.has(address.text)),
    (address) => blocks.filter((block) => holds(block, address)).map((b) => b.text).join(),
  );
  const ends = Object.values(alike).flatMap((group = []) => [group[0], group.at(-1)]);
  const all = [...noted, ...ends].filter((address) => address !== undefined);
  return [...new Map(all.map((address) => [address.text, address])).values()];
}

function holds(block: IpPrefix, address: IpAddress): boolean {
  if (block.address.family !== address.family) return false;
  const value = numberOf(address);
  return value >= numberOf(block.address) && value <= numberOf(lastOf(block));
}

function lastOf({ address, length }: IpPrefix): IpAddress {
  const bits = BigInt((address.family === 4 ? 32 : 128) - length);
  return step(address, (1n << bits) - 1n);
}

function numberOf({ family, words }: IpAddress): bigint {
  const used: readonly number[] = family === 4 ? words.slice(0, 1) : words;
  return used.reduce((sum, word) => sum << 32n | BigInt(word), 0n);
}

function step(address: IpAddress, by: bigint): IpAddress {
  const { family } = address;
  const used = family === 4 ? 1 : 4;
  const value = numberOf(address) + by;
  const moved = Array.from(
    { length: 4 },
    (_, i) => i < used ? Number(value >> BigInt(32 * (used - 1 - i)) & 0xffffffffn) : 0,
  );
  return ipAddressFromWords(family, moved as [number, number, number, number]);
}

const PORT_FIELDS = ["port", "endPort", "start", "end", "number", "containerPort"];

/** Every transport at which a verdict can change, and its neighbours. */
export function probesOf({ manifests }: World): Probe[] {
  const ports = new Set<number>();
  for (const manifest of manifests) collectPorts(manifest, ports);
  const around = new Set([...ports].flatMap((port) => [port - 1, port, port + 1]));
  const valid = [...around].filter((port) => port > 0 && port <= 65535).sort((a, b) => a - b);
  return [
    ...[6, 17, 132].flatMap((protocol) => valid.map((port) => ({ protocol, port }))),
    ...[0, 5, 8].map((port) => ({ protocol: 1, port })),
    ...[128, 129].map((port) => ({ protocol: 58, port })),
    { protocol: 47, port: 0 },
  ];
}

function collectPorts(value: Json, into: Set<number>): void {
  if (typeof value !== "object" || value === null) return;
  for (const [key, item] of Object.entries(value)) {
    if (PORT_FIELDS.includes(key) && typeof item !== "object" && Number.isInteger(Number(item))) {
      into.add(Number(item));
    } else collectPorts(item, into);
  }
}

/** Every side of every flow at a boundary of the world. */
export function sidesOf(world: World, objects: readonly ClusterObject[]): Side[] {
  const peers = peersOf(world, objects);
  const probes = probesOf(world);
  return subjectsOf(objects).flatMap((subject) =>
    peers.filter((peer) => isReachable(subject, peer)).flatMap((peer) =>
      probes.flatMap((probe) => [
        { subject, peer, direction: "ingress" as const, probe },
        { subject, peer, direction: "egress" as const, probe },
      ])
    )
  );
}

/** Packets have one family, and nobody's policy is asked about what stays inside. */
export function isReachable(subject: End, peer: End): boolean {
  return subject.title !== peer.title && subject.address?.family === peer.address?.family;
}
