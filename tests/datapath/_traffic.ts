import type { NodeState, PolicyState } from "../../src/datapath/datapath.ts";
import { MARK_ENFORCED, MARK_HOST, MARK_IDENTITY } from "../../src/datapath/layout.ts";
import type { PacketInput } from "../../src/datapath/packet_batch.ts";
import { newPacket, type PacketBuilder, type TcpFlag } from "../../src/datapath/packet_builder.ts";
import type { MapStateEntry } from "../../src/policy/map_state.ts";
import { canonical, entry } from "./_map_state.ts";
import { ipv4, ipv6, NODE } from "./_node.ts";

/** Gives an integer from 0 to `below` − 1. */
export type Random = (below: number) => number;

/** The linear congruential generator of Numerical Recipes; repeatable, not good. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = Math.imul(state, 1664525) + 1013904223 >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
}

function oneOf<T>(random: Random, values: readonly T[]): T {
  return values[random(values.length)]!;
}

const LOCAL_IDENTITY = 1 << 24 | 1;
const IDENTITIES = [0, 1, 2, 6, 9, 10, 300, 301, 400, LOCAL_IDENTITY];
const PORTS = [80, 53, 8080, 8085, 443, 4000, 8, 128];

const VERDICTS = [
  { verdict: "allow" },
  { verdict: "allow" },
  { verdict: "deny" },
  { verdict: "redirect", redirect: 1 },
  { verdict: "redirect", redirect: 2 },
  { verdict: "redirect", redirect: 9 },
] as const;
const REDIRECTS = [{ id: 1, port: 15001 }, { id: 2, port: 0 }];

function randomEntry(random: Random, cookie: number): MapStateEntry {
  const protocol = oneOf(random, [0, 6, 6, 17, 1, 58, 132]);
  const portPrefix = protocol === 0 ? 0 : oneOf(random, [0, 16, 16, 12]);
  return entry({
    identity: oneOf(random, IDENTITIES),
    direction: oneOf(random, ["ingress", "egress"] as const),
    protocol,
    portPrefix,
    port: portPrefix === 0 ? 0 : oneOf(random, PORTS) & ~(0xFFFF >> portPrefix),
    ...oneOf(random, VERDICTS),
    precedence: oneOf(random, [1, 2, 3, 0xFFFFFFFF]),
    authType: random(10) === 0 ? 1 : 0,
    cookie,
  });
}

function randomPolicy(random: Random, number: number): PolicyState {
  const entries = Array.from({ length: 30 }, (_, i) => randomEntry(random, i + 1));
  return { number, revision: 5 + number, mapState: canonical(entries) };
}

/** The node with random policies, an endpoint without IPv4, and addresses of every scope. */
export function hostileState(random: Random): NodeState {
  const [client, server, unready] = NODE.endpoints;
  return {
    ...NODE,
    endpoints: [
      client!,
      { ...server!, audit: random(2) === 0 },
      { ...unready!, ipv4: undefined },
    ],
    redirects: REDIRECTS,
    eventInterval: oneOf(random, [0, 1, 7, 100]),
    identities: [...NODE.identities, { identity: LOCAL_IDENTITY, slot: 300 }],
    ipcache: [
      ...NODE.ipcache,
      { address: ipv4(9), identity: 4000 },
      { address: ipv4(10), identity: 1 << 24 | 99 },
      { address: ipv4(11), identity: 2 << 24 | 5 },
      { address: ipv4(128), prefixLength: 25, identity: LOCAL_IDENTITY },
      { address: Uint8Array.of(0xFD, ...new Array(15).fill(0)), prefixLength: 8, identity: 6 },
    ],
    policies: [randomPolicy(random, 1), randomPolicy(random, 2)],
  };
}

const FLAGS: readonly (readonly TcpFlag[])[] = [
  ["SYN"],
  ["SYN", "ACK"],
  ["ACK"],
  ["FIN", "ACK"],
  ["RST"],
];
const MARKS = [
  ...[0, 0, MARK_ENFORCED, MARK_HOST, MARK_IDENTITY | 1],
  (300 << 16 | MARK_IDENTITY) >>> 0,
  (5 << 16 | MARK_IDENTITY) >>> 0,
  (1 << 16 | MARK_IDENTITY | 1) >>> 0, // LOCAL_IDENTITY
];

function randomL4(random: Random, ip: PacketBuilder, reply: boolean): PacketBuilder {
  const client = oneOf(random, [4000, 4001, 80]);
  const server = oneOf(random, PORTS);
  const ports = reply
    ? { source: server, destination: client }
    : { source: client, destination: server };
  const echo = { id: random(3), code: random(5) };
  switch (random(8)) {
    case 0:
    case 1:
    case 2:
      return ip.tcp({ ...ports, flags: oneOf(random, FLAGS) });
    case 3:
    case 4:
      return ip.udp(ports);
    case 5:
      return ip.sctp(ports);
    case 6:
      return ip.icmpv6({ type: oneOf(random, [128, 129, 133, 136, 1, 2]), ...echo });
    default:
      return ip.icmp({ type: oneOf(random, [8, 0, 3, 3, 11]), ...echo });
  }
}

/** IPv4 with options and fragments, IPv6 with chains of extension headers. */
function randomIp(random: Random, ends: Ends): PacketBuilder {
  const { source, destination, ttl } = ends;
  const eth = newPacket().eth();
  const tagged = random(40) === 0 ? eth.vlan(random(4096)) : eth;
  // Few identifications, so that later fragments find first ones.
  const id = random(3);
  if (source.length === 4) {
    return tagged.ipv4({
      source,
      destination,
      ttl,
      id,
      protocol: random(12) === 0 ? oneOf(random, [4, 41, 47, 50, 58]) : undefined,
      fragment: random(4) === 0 ? oneOf(random, [0x2000, 1, 0x2003, 0x8000]) : 0x4000,
      options: random(8) === 0 ? new Uint8Array(4 * random(11)) : undefined,
    });
  }
  const protocol = random(12) === 0 ? oneOf(random, [0, 1, 43, 44, 47, 51, 59, 60]) : undefined;
  let packet = tagged.ipv6({ source, destination, ttl, protocol });
  for (let headers = random(4) === 0 ? random(6) : 0; headers > 0; headers--) {
    const kind = oneOf(random, ["hopByHop", "routing", "authentication", "destination"] as const);
    packet = packet.extension(kind, {
      bytes: 8 * (1 + random(2)),
      segmentsLeft: random(8) === 0 ? 1 : 0,
    });
  }
  return random(4) === 0
    ? packet.fragment({ offset: random(2), more: random(2) === 0, id })
    : packet;
}

interface Ends {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly ttl: number;
}

function randomEnds(random: Random, reply: boolean): Ends {
  const local = random(4); // host number 0 is no endpoint's
  const peer = oneOf(random, [1, 2, 3, 9, 10, 11, 77, 200, 250]);
  const [source, destination] = reply ? [peer, local] : [local, peer];
  const nobody = random(20) === 0;
  const ttl = oneOf(random, [1, 2, 64, 255, 255]);
  return random(2) === 0
    ? { source: nobody ? new Uint8Array(16) : ipv6(source), destination: ipv6(destination), ttl }
    : { source: nobody ? new Uint8Array(4) : ipv4(source), destination: ipv4(destination), ttl };
}

function randomPacket(random: Random, before: Uint8Array | undefined): Uint8Array {
  const reply = random(3) === 0;
  const ends = randomEnds(random, reply);
  if (before !== undefined && random(6) === 0) return randomError(random, before);
  return randomL4(random, randomIp(random, ends), reply)
    .payload(new Uint8Array(random(20))).build();
}

/** An ICMP error about a packet of before, sent to its source, or to somebody else. */
function randomError(random: Random, before: Uint8Array): Uint8Array {
  const six = before[12] === 0x86;
  const [sourceAt, bytes] = six ? [22, 16] : [26, 4];
  const quoted = damaged(random, before.slice(0, 100));
  const destination = before.slice(sourceAt, sourceAt + bytes);
  if (destination.length < bytes) return before;
  if (random(10) === 0) destination[bytes - 1] = random(4);
  const source = random(2) === 0
    ? before.slice(sourceAt + bytes, sourceAt + 2 * bytes)
    : six
    ? ipv6(77)
    : ipv4(77);
  if (source.length < bytes) return before;
  const message = { type: six ? random(6) : oneOf(random, [3, 4, 5, 11, 12]), code: random(6) };
  const ends = { source, destination, ttl: 64 };
  return six
    ? newPacket().eth().ipv6(ends).icmpv6(message).quote(quoted).build()
    : newPacket().eth().ipv4(ends).icmp(message).quote(quoted).build();
}

/** Changes one byte, cuts the packet off, or leaves it as it is. */
function damaged(random: Random, data: Uint8Array): Uint8Array {
  const kind = random(10);
  if (kind < 2) data[12 + random(Math.min(data.length - 12, 50))] = random(256);
  return kind === 2 ? data.slice(0, 14 + random(data.length - 13)) : data;
}

/** Packets in every shape, some of which belong to one flow, in time that moves on. */
export function* hostileTraffic(random: Random, count: number): Generator<PacketInput> {
  const sent: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const data = damaged(random, randomPacket(random, sent[random(Math.max(sent.length, 1))]));
    sent.push(data);
    if (sent.length > 50) sent.shift();
    yield {
      endpoint: 1 + random(3),
      hook: random(3) === 0 ? "to_container" : "from_container",
      data,
      mark: oneOf(random, MARKS),
      now: BigInt(1000 + Math.floor(i / 8)) * 1_000_000_000n,
    };
  }
}
