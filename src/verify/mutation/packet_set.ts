/**
 * The packets that a mutant must pass: the packet table, and flows to and from the subject
 * at the boundaries of every profile of its policies.
 *
 * @module
 */
import type { PolicyState } from "../../datapath/datapath.ts";
import {
  DROP_EP_NOT_READY,
  DROP_MISSED_TAIL_CALL,
  DROP_POLICY,
  DROP_POLICY_IMAGE,
  DROP_PROXY_LOOKUP_FAILED,
} from "../../datapath/layout.ts";
import { DIRECT_ENTRY } from "../../datapath/kernel.ts";
import type { Hook } from "../../datapath/packet_batch.ts";
import { lastPortOf, PROTOCOL } from "../../policy/map_state.ts";
import { RESERVED } from "../../identity/reserved.ts";
import type { Family } from "../address.ts";
import { type Flow, isIcmp } from "../flow.ts";
import { frameOf } from "../frame.ts";
import { START_OF_TIME, TTL } from "../packet_maker.ts";
import { ROW_ADDRESS, ROW_ENDPOINT, ROW_IDENTITY, ROW_NODE, ROW_POLICY } from "../row_node.ts";
import { rowBatches } from "../row_run.ts";
import { allRows } from "../rows/all_rows.ts";
import { MACS, type RowParty } from "../rows/row.ts";
import type { TestPacket } from "../test_packet.ts";

/** How the kernel's tables are changed for a set, beyond what a node state can say. */
export type TableFault =
  | { readonly kind: "policy"; readonly number: number }
  | { readonly kind: "table"; readonly table: number }
  | { readonly kind: "no program"; readonly endpoint: number }
  | { readonly kind: "entry verdict"; readonly verdict: number };

/** Packets that run together, on one policy of the subject. */
export interface PacketSet {
  readonly name: string;
  /** Policy of the subject. */
  readonly policy: number;
  readonly packets: readonly TestPacket[];
  /** Then the kernel runs alone, and every packet must be dropped for `reason`. */
  readonly fault?: { readonly table: TableFault; readonly reason: number };
}

/** Slots of a batch of the harness. */
const CAPACITY = 16384;

/** All sets. */
export function packetSets(): PacketSet[] {
  const [rows = [], ...rest] = rowBatches(allRows(), CAPACITY);
  if (rest.length > 0) {
    throw new RangeError(`Cannot use the packet table: ${rest.length + 1} batches, expected 1`);
  }
  const policies = ROW_NODE.policies.filter(({ number }) => number !== ROW_POLICY.ALLOW_ALL);
  return [
    { name: "packet table", policy: ROW_POLICY.SMALL, packets: rows },
    { name: "past from_container", policy: ROW_POLICY.SMALL, packets: directPackets(rows) },
    ...policies.map((policy): PacketSet => ({
      name: `flows of policy ${policy.number}`,
      policy: policy.number,
      packets: policyPackets(policy),
    })),
    ...faultSets(),
  ];
}

/**
 * What the subject is sent through the stack, handed to `policy_ingress` instead: packets
 * that `from_container` would not have let through. The sender is nobody then.
 */
function directPackets(rows: readonly TestPacket[]): TestPacket[] {
  const { SUBJECT } = ROW_ENDPOINT;
  return rows.filter((row) => row.endpoint === SUBJECT && row.hook === "to_container")
    .map((row) => ({ ...row, endpoint: SUBJECT + DIRECT_ENTRY, hook: "from_container" }));
}

/** States that no control plane should make: the programs fail closed. */
function faultSets(): PacketSet[] {
  const set = (name: string, table: TableFault, reason: number): PacketSet => ({
    name,
    policy: ROW_POLICY.SMALL,
    packets: openFlow(),
    fault: { table, reason },
  });
  const class1 = 1 << 24;
  return [
    set("no policy", { kind: "policy", number: 0 }, DROP_EP_NOT_READY),
    set("last policy number", { kind: "policy", number: 4095 }, DROP_EP_NOT_READY),
    set("policy number out of range", { kind: "policy", number: 4096 }, DROP_EP_NOT_READY),
    set("no table", { kind: "table", table: 0 }, DROP_EP_NOT_READY),
    set("small table missing", { kind: "table", table: 4095 }, DROP_POLICY_IMAGE),
    set("medium table missing", { kind: "table", table: class1 | 1023 }, DROP_POLICY_IMAGE),
    set("large table missing", { kind: "table", table: class1 * 2 | 255 }, DROP_POLICY_IMAGE),
    set("small table out of range", { kind: "table", table: 4096 }, DROP_POLICY_IMAGE),
    set("class 3", { kind: "table", table: class1 * 3 | 1 }, DROP_POLICY_IMAGE),
    set("class 4", { kind: "table", table: class1 * 4 | 1 }, DROP_POLICY_IMAGE),
    set(
      "destination without a program",
      { kind: "no program", endpoint: ROW_ENDPOINT.PEER },
      DROP_MISSED_TAIL_CALL,
    ),
    set("redirect", { kind: "entry verdict", verdict: 3 }, DROP_PROXY_LOOKUP_FAILED),
    set("unknown verdict 4", { kind: "entry verdict", verdict: 4 }, DROP_POLICY),
    set("unknown verdict 5", { kind: "entry verdict", verdict: 5 }, DROP_POLICY),
    set("unknown verdict 255", { kind: "entry verdict", verdict: 255 }, DROP_POLICY),
  ];
}

/** Port of the subject's egress rule for its peer; see `SUBJECT_RULES`. */
const OPEN_PORT = 90;

function openFlow(): TestPacket[] {
  return ([4, 6] as const).map((family, i) =>
    packetOf({
      ...flowBetween(family, "from_container", "PEER"),
      protocol: PROTOCOL.TCP,
      dport: OPEN_PORT,
      sport: FIRST_SOURCE_PORT + i,
    }, i)
  );
}

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
} satisfies Record<RowParty, readonly number[]>;

const FIRST_SOURCE_PORT = 40_000;

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
function policyPackets(policy: PolicyState): TestPacket[] {
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

function flowBetween(family: Family, hook: Hook, party: RowParty) {
  const own = ROW_ADDRESS.SUBJECT[family];
  const other = ROW_ADDRESS[party][family];
  const [source, destination] = hook === "from_container" ? [own, other] : [other, own];
  const tcpFlags = 2;
  return { endpoint: ROW_ENDPOINT.SUBJECT, hook, source, destination, code: 0, tcpFlags, mark: 0 };
}

function packetOf(flow: Flow, index: number): TestPacket {
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
