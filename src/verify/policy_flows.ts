/**
 * Flows of the subject of `ROW_NODE` at the seams of every profile of a policy. No rule
 * stands behind its entries, so the datapaths are compared with each other only.
 *
 * @module
 */
import type { PolicyState } from "../datapath/datapath.ts";
import type { Hook } from "../datapath/packet_batch.ts";
import { RESERVED } from "../identity/reserved.ts";
import { lastPortOf, PROTOCOL } from "../policy/map_state.ts";
import type { Family } from "./address.ts";
import { type Flow, isIcmp } from "./flow.ts";
import { frameOf } from "./frame.ts";
import { START_OF_TIME, TTL } from "./packet_maker.ts";
import { ROW_ADDRESS, ROW_ENDPOINT } from "./row_node.ts";
import { ROW_IDENTITY } from "./row_identity.ts";
import { MACS, type RowParty } from "./rows/row.ts";
import type { TestPacket } from "./test_packet.ts";

const { HOST, REMOTE_NODE, WORLD_IPV4, WORLD_IPV6 } = RESERVED;
const WORLD = [WORLD_IPV4, WORLD_IPV6];

/** Peers, and the identities that they are or fall back to. */
const PARTIES = {
  SUBJECT: [ROW_IDENTITY.SUBJECT],
  PEER: [ROW_IDENTITY.PEER],
  NOT_READY: [ROW_IDENTITY.NOT_READY],
  BUSY: [ROW_IDENTITY.BUSY],
  BUSIER: [ROW_IDENTITY.BUSIER],
  BUSIEST: [ROW_IDENTITY.BUSIEST],
  FULL: [ROW_IDENTITY.FULL],
  CROWDED: [ROW_IDENTITY.CROWDED],
  RIVAL: [ROW_IDENTITY.RIVAL],
  SLOTLESS: [],
  SLOTLESS_CIDR: WORLD,
  SLOTLESS_NODE: [REMOTE_NODE],
  SLOTLESS_RESERVED: [],
  FAR: [ROW_IDENTITY.FAR],
  FARTHEST: [ROW_IDENTITY.FARTHEST],
  LAST: [ROW_IDENTITY.LAST],
  BEYOND: [],
  LAST_OF_MEDIUM: [ROW_IDENTITY.LAST_OF_MEDIUM],
  BEYOND_MEDIUM: [],
  LAST_OF_LARGE: [ROW_IDENTITY.LAST_OF_LARGE],
  CIDR: [ROW_IDENTITY.CIDR],
  INSIDE: [ROW_IDENTITY.INSIDE],
  WORLD,
  HOST: [ROW_IDENTITY.HOST],
  WORLD_ANY: [ROW_IDENTITY.WORLD_ANY],
  UNMANAGED: [ROW_IDENTITY.UNMANAGED],
  HEALTH: [ROW_IDENTITY.HEALTH],
  INIT: [ROW_IDENTITY.INIT],
  REMOTE_NODE: [ROW_IDENTITY.REMOTE_NODE],
  KUBE_APISERVER: [ROW_IDENTITY.KUBE_APISERVER],
  INGRESS: [ROW_IDENTITY.INGRESS],
  WORLD_IPV4: [ROW_IDENTITY.WORLD_IPV4],
  WORLD_IPV6: [ROW_IDENTITY.WORLD_IPV6],
  LAST_RESERVED: [ROW_IDENTITY.LAST_RESERVED],
  LONG: [ROW_IDENTITY.LONG],
} satisfies Record<RowParty, readonly number[]>;

/** First of the source ports that tell flows apart. */
export const FIRST_SOURCE_PORT = 40_000;

/** Of very many ports of one peer, those at the seams of its profile and some between. */
function isTried(indexOfPeer: number): boolean {
  const beside = indexOfPeer % PORTS_PER_CHILD;
  return indexOfPeer < MANY || indexOfPeer % SOME === 0 || beside < 2 ||
    beside === PORTS_PER_CHILD - 1;
}

const MANY = 150;
const SOME = 8;
/** 256 ranges of a child are 128 ports and the gaps between them. */
const PORTS_PER_CHILD = 128;

/** Flows of the subject with every peer, at and beside every port that means something. */
export function policyFlows(policy: PolicyState): TestPacket[] {
  const packets: TestPacket[] = [];
  for (const name of Object.keys(PARTIES) as RowParty[]) {
    for (const hook of ["from_container", "to_container"] as const) {
      for (const point of pointsOf(policy, PARTIES[name], hook)) {
        // Policy does not look at the family: IPv6 needs no more than a part of them.
        const both = packets.length % 4 === 0 || point >>> 16 === PROTOCOL.ICMPV6;
        const families = both ? [4, 6] as const : [4] as const;
        for (const family of families) {
          const flow = {
            ...flowBetween(family, hook, name),
            protocol: point >>> 16,
            dport: point & 0xffff,
            sport: FIRST_SOURCE_PORT + packets.length,
          };
          const foreign = family === 4 ? PROTOCOL.ICMPV6 : PROTOCOL.ICMP;
          if (flow.protocol === foreign || (isIcmp(flow) && flow.dport > 255)) continue;
          packets.push(packetOf(flow, packets.length));
        }
      }
    }
  }
  return packets;
}

/** Protocols and ports, as one number each, at which a peer's profile can change. */
function pointsOf({ mapState }: PolicyState, peer: readonly number[], hook: Hook): Set<number> {
  const direction = hook === "from_container" ? "egress" : "ingress";
  const points = new Set<number>();
  let own = 0;
  for (const entry of mapState.entries) {
    if (entry.direction !== direction) continue;
    const { identity, protocol, port } = entry;
    if (peer.includes(identity) && !isTried(own++)) continue;
    // The host's ports tell whether a peer is taken for it.
    if (identity !== 0 && identity !== HOST && !peer.includes(identity)) continue;
    const first = protocol === PROTOCOL.ANY ? PROTOCOL.TCP : protocol;
    const last = lastPortOf(entry);
    for (const p of [port - 1, port, last, last + 1]) {
      if (p >= 0 && p <= 0xffff) points.add(first << 16 | p);
    }
  }
  return points;
}

/** A flow between the subject and a party, without protocol and ports. */
export function flowBetween(family: Family, hook: Hook, party: RowParty) {
  const own = ROW_ADDRESS.SUBJECT[family];
  const other = ROW_ADDRESS[party][family];
  const [source, destination] = hook === "from_container" ? [own, other] : [other, own];
  const tcpFlags = 2;
  return { endpoint: ROW_ENDPOINT.SUBJECT, hook, source, destination, code: 0, tcpFlags, mark: 0 };
}

/** The packet of a flow, the `index`-th of its batch. */
export function packetOf(flow: Flow, index: number): TestPacket {
  return {
    endpoint: flow.endpoint,
    hook: flow.hook,
    mark: flow.mark,
    now: START_OF_TIME + BigInt(index),
    data: frameOf(flow, { sourceMac: MACS.source, destinationMac: MACS.destination, ttl: TTL }),
    flow: index,
    describe: () => `${flow.source.text} → ${flow.destination.text} ${flow.dport}`,
  };
}
