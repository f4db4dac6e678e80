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
  DROP_PROXY_UNKNOWN_PROTO,
} from "../../datapath/layout.ts";
import type { Hook } from "../../datapath/packet_batch.ts";
import { lastPortOf, PROTOCOL } from "../../policy/map_state.ts";
import type { Family } from "../address.ts";
import { type Flow, isIcmp } from "../flow.ts";
import { frameOf } from "../frame.ts";
import { START_OF_TIME, TTL } from "../packet_maker.ts";
import { ROW_ADDRESS, ROW_ENDPOINT, ROW_IDENTITY, ROW_NODE, ROW_POLICY } from "../row_node.ts";
import { rowBatches } from "../row_run.ts";
import { allRows } from "../rows/all_rows.ts";
import { MACS } from "../rows/row.ts";
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
    ...policies.map((policy): PacketSet => ({
      name: `flows of policy ${policy.number}`,
      policy: policy.number,
      packets: policyPackets(policy),
    })),
    ...faultSets(),
  ];
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
    set("redirect", { kind: "entry verdict", verdict: 3 }, DROP_PROXY_UNKNOWN_PROTO),
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

/** Peers by identity, for those that have an address. */
const PARTIES = ([
  "SUBJECT",
  "PEER",
  "NOT_READY",
  "BUSY",
  "BUSIER",
  "RIVAL",
  "SLOTLESS",
  "SLOTLESS_CIDR",
  "SLOTLESS_NODE",
  "SLOTLESS_RESERVED",
  "FAR",
  "FARTHEST",
  "CIDR",
  "WORLD",
] as const).map((name) => ({
  name,
  identity: name in ROW_IDENTITY ? ROW_IDENTITY[name as keyof typeof ROW_IDENTITY] : undefined,
}));

type PartyName = typeof PARTIES[number]["name"];

const FIRST_SOURCE_PORT = 40_000;

/** Flows of the subject with every peer, at and beside every port that means something. */
function policyPackets({ mapState }: PolicyState): TestPacket[] {
  const packets: TestPacket[] = [];
  for (const { name, identity } of PARTIES) {
    for (const hook of ["from_container", "to_container"] as const) {
      const direction = hook === "from_container" ? "egress" : "ingress";
      const entries = mapState.entries.filter((e) => e.direction === direction);
      const points = new Set<number>();
      for (const entry of entries) {
        const own = identity === undefined || entry.identity === identity;
        if (!own && entry.identity !== 0) continue;
        const { protocol, port } = entry;
        const last = lastPortOf(entry);
        const first = protocol === PROTOCOL.ANY ? PROTOCOL.TCP : protocol;
        for (const p of [port - 1, port, last, last + 1]) {
          if (p >= 0 && p <= 0xffff) points.add(first << 16 | p);
        }
      }
      for (const point of points) {
        // Policy does not look at the family: IPv6 needs no more than a part of them.
        const families = packets.length % 4 === 0 ? [4, 6] as const : [4] as const;
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

function flowBetween(family: Family, hook: Hook, party: PartyName) {
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
