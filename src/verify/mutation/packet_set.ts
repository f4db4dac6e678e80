/**
 * The packets that a mutant must pass: the packet table, and flows to and from the subject
 * at the boundaries of every profile of its policies.
 *
 * @module
 */
import {
  DROP_EP_NOT_READY,
  DROP_MISSED_TAIL_CALL,
  DROP_POLICY,
  DROP_POLICY_IMAGE,
  DROP_PROXY_LOOKUP_FAILED,
} from "../../datapath/layout.ts";
import { DIRECT_ENTRY } from "../../datapath/kernel.ts";
import { PROTOCOL } from "../../policy/map_state.ts";
import { FIRST_SOURCE_PORT, flowBetween, packetOf, policyFlows } from "../policy_flows.ts";
import { ROW_ENDPOINT, ROW_NODE, type RowNodeName } from "../row_node.ts";
import { ROW_POLICY } from "../row_policies.ts";
import { rowBatches } from "../row_run.ts";
import { packetTables } from "../rows/packet_tables.ts";
import type { PacketRow } from "../rows/row.ts";
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
  /** The node that they run on. */
  readonly node: RowNodeName;
  /** Policy of the subject. */
  readonly policy: number;
  readonly packets: readonly TestPacket[];
  /** Then the kernel runs alone, and every packet must be dropped for `reason`. */
  readonly fault?: { readonly table: TableFault; readonly reason: number };
}

/** The name of the set with the flows of a policy. */
export function nameOfFlows(policy: number): string {
  return `flows of policy ${policy}`;
}

/** Slots of a batch of the harness. */
const CAPACITY = 16384;

/** All sets. */
export function packetSets(): PacketSet[] {
  const policies = ROW_NODE.policies.filter(({ number }) => number !== ROW_POLICY.ALLOW_ALL);
  return [
    ...packetTables().flatMap(({ node, rows }) => rowSets(node, onlyBatch(rows))),
    ...policies.map((policy): PacketSet => ({
      name: nameOfFlows(policy.number),
      node: "usual",
      policy: policy.number,
      packets: policyFlows(policy),
    })),
    ...faultSets("usual"),
    ...faultSets("audited"),
  ];
}

/** Every node runs its own rows, and what is told of them differs by node. */
function rowSets(node: RowNodeName, packets: readonly TestPacket[]): PacketSet[] {
  const policy = ROW_POLICY.SMALL;
  return [
    { name: `packet table, ${node} node`, node, policy, packets },
    { name: `past from_container, ${node} node`, node, policy, packets: directPackets(packets) },
  ];
}

function onlyBatch(rows: readonly PacketRow[]): readonly TestPacket[] {
  const [packets = [], ...rest] = rowBatches(rows, CAPACITY);
  if (rest.length === 0) return packets;
  throw new RangeError(`Cannot use the packet table: ${rest.length + 1} batches, expected 1`);
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
function faultSets(node: RowNodeName): PacketSet[] {
  const set = (name: string, table: TableFault, reason: number): PacketSet => ({
    name: `${name}, ${node} node`,
    node,
    policy: ROW_POLICY.SMALL,
    packets: openFlow(),
    fault: { table, reason },
  });
  const class1 = 1 << 24;
  const faults = [
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
  ];
  // Which are drops of policy, and audit mode lets those pass.
  const verdicts = node === "audited" ? [] : [4, 5, 255];
  return [
    ...faults,
    ...verdicts.map((verdict) =>
      set(`unknown verdict ${verdict}`, { kind: "entry verdict", verdict }, DROP_POLICY)
    ),
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
