/**
 * Equivalence classes of flows: all flows that no table and no rule of a node can tell
 * apart. There are finitely many, and every one is tried.
 *
 * A class is an endpoint, a hook, what the program knows of the peer (an interval of
 * addresses, or a mark), a protocol and an interval of ports. Addresses and ports are cut
 * at every boundary of the map states, of the ipcache and of the rules; each class is
 * tried at the corners of its intervals.
 *
 * @module
 */
import type { IpAddress } from "../cluster/ip_address.ts";
import type { NodeState } from "../datapath/datapath.ts";
import { MARK_HOST, MARK_IDENTITY, MARK_MASK } from "../datapath/layout.ts";
import type { Hook } from "../datapath/packet_batch.ts";
import { lastPortOf, PROTOCOL } from "../policy/map_state.ts";
import {
  addressNumber,
  addressOfBytes,
  addressOfNumber,
  type Family,
  lastAddress,
} from "./address.ts";
import { type AddressBoundaries, addressPartition } from "./address_partition.ts";
import { ECHO_REPLY, ECHO_REQUEST, type Flow, IP_PROTOCOL } from "./flow.ts";
import { identityMark, MARK_IDENTITIES } from "./opinion.ts";
import { type Interval, Partition } from "./partition.ts";
import type { Random } from "./random.ts";

/** A flow without a source port, which tests choose so that conntrack keeps flows apart. */
export type FlowShape = Omit<Flow, "sport" | "tcpFlags">;

/** One class: its number, and the flows to try it with. */
export interface FlowClass {
  /** From 0, dense. */
  readonly index: number;
  readonly corners: readonly FlowShape[];
}

/** What classes are made of. */
export interface ClassSource extends AddressBoundaries {
  readonly node: NodeState;
  /** Port ranges that rules name, on top of those in the map states. */
  readonly ports?: Iterable<Interval>;
  /** ICMP types that rules name, on top of those in the map states. */
  readonly icmpTypes?: Iterable<number>;
  /** Identities that somebody has. @default all that the node knows */
  readonly identities?: readonly number[];
}

const TRANSPORTS = [IP_PROTOCOL.TCP, IP_PROTOCOL.UDP, IP_PROTOCOL.SCTP] as const;
const PORT_MAX = 0xffffn;
const ICMP_TYPE_MAX = 255n;
const FRAGMENTATION_NEEDED = { type: 3, code: 4 } as const;
/** ICMPv6 type that, like {@linkcode FRAGMENTATION_NEEDED}, policy has no say in. */
const PACKET_TOO_BIG = 2;
/** Stands for all protocols that nobody listed. */
const UNLISTED = IP_PROTOCOL.GRE;

/** A protocol and an interval of its ports or types. */
interface L4Cell {
  readonly protocol: number;
  readonly ports: readonly number[];
  readonly code: number;
}

/** One endpoint, hook and family: classes number peer × L4 cell. */
interface Block {
  readonly endpoint: number;
  readonly hook: Hook;
  readonly family: Family;
  readonly own: IpAddress;
  readonly peers: number;
  readonly offset: number;
}

/** All classes of a node. */
export class ClassSpace {
  /** Number of classes. */
  readonly total: number;
  /**
   * Classes times the phases of their flows: the first packet, another one, and an answer
   * where there can be one.
   */
  readonly cases: number;
  /** First and last port of every interval. */
  readonly portCorners: readonly number[];
  /** Marks by which the peer of a to_container packet may be known. */
  readonly marks: readonly number[];
  readonly #blocks: readonly Block[];
  readonly #addresses: Readonly<Record<Family, Partition>>;
  readonly #ports: Partition;
  readonly #icmpTypes: Partition;
  readonly #cells: Readonly<Record<Family, readonly L4Cell[]>>;

  constructor(source: ClassSource) {
    const { node, ports = [], icmpTypes = [] } = source;
    const { identities = node.identities.map(({ identity }) => identity) } = source;
    const marks = identities.filter((identity) => identity < MARK_IDENTITIES).map(identityMark);
    this.marks = [MARK_HOST, ...marks];
    this.#addresses = { 4: addressPartition(source, 4), 6: addressPartition(source, 6) };
    this.#ports = new Partition(PORT_MAX, [...ports, ...portRanges(node, false)]);
    const special = [
      ...Object.values(ECHO_REQUEST),
      ...Object.values(ECHO_REPLY),
      FRAGMENTATION_NEEDED.type,
      PACKET_TOO_BIG,
      ...icmpTypes,
    ]
      .map((type) => point(BigInt(type)));
    this.#icmpTypes = new Partition(ICMP_TYPE_MAX, [...special, ...portRanges(node, true)]);
    this.#cells = { 4: this.#l4Cells(4), 6: this.#l4Cells(6) };
    const blocks: Block[] = [];
    let offset = 0;
    let cases = 0;
    for (const { id, ipv4, ipv6 } of node.endpoints) {
      for (const hook of ["from_container", "to_container"] as const) {
        for (const bytes of [ipv4, ipv6]) {
          if (bytes === undefined) continue;
          const own = addressOfBytes(bytes);
          const { family } = own;
          const marks = hook === "to_container" ? this.marks.length : 0;
          const peers = this.#addresses[family].size + marks;
          blocks.push({ endpoint: id, hook, family, own, peers, offset });
          offset += peers * this.#cells[family].length;
          cases += peers * this.#phasesOf(family);
        }
      }
    }
    this.#blocks = blocks;
    this.total = offset;
    this.cases = cases;
    this.portCorners = Array.from({ length: this.#ports.size }, (_, i) => this.#ports.corners(i))
      .flat().map(Number);
  }

  /** Every class, made one at a time. */
  *classes(): Generator<FlowClass> {
    for (const block of this.#blocks) {
      let index = block.offset;
      for (let peer = 0; peer < block.peers; peer++) {
        const peers = [...this.#peersOf(block, peer)];
        for (const cell of this.#cells[block.family]) {
          yield { index: index++, corners: [...cornersOf(block, peers, cell)] };
        }
      }
    }
  }

  /** The flows to try one class with. */
  cornersOf(index: number): readonly FlowShape[] {
    const block = this.#blocks.findLast(({ offset }) => offset <= index);
    if (block === undefined || index >= this.total) return [];
    const cells = this.#cells[block.family];
    const cell = cells[(index - block.offset) % cells.length];
    const peer = Math.floor((index - block.offset) / cells.length);
    return cell === undefined ? [] : [...cornersOf(block, [...this.#peersOf(block, peer)], cell)];
  }

  /**
   * Draws the number of a class: endpoints, hooks and families alike, and addresses more often
   * than marks, which are many.
   */
  draw(random: Random): number {
    const { family, offset, peers } = random.pick(this.#blocks);
    const { size } = this.#addresses[family];
    const marks = peers - size;
    const isMarked = marks > 0 && random.below(4) === 0;
    const peer = isMarked ? size + random.below(marks) : random.below(size);
    const cells = this.#cells[family].length;
    return offset + peer * cells + random.below(cells);
  }

  /** The number of the class that a flow falls into; `undefined` when it is in none. */
  classOf(flow: Flow): number | undefined {
    const { family } = flow.source;
    const block = this.#blocks.find((b) =>
      b.endpoint === flow.endpoint && b.hook === flow.hook && b.family === family
    );
    const cell = this.#cellOf(flow, family);
    if (block === undefined || cell === undefined) return undefined;
    const peer = this.#peerOf(flow, family);
    if (peer === undefined) return undefined;
    return block.offset + peer * this.#cells[family].length + cell;
  }

  #peerOf(flow: Flow, family: Family): number | undefined {
    const addresses = this.#addresses[family];
    const marked = flow.mark & MARK_MASK;
    if (flow.hook === "from_container") return addresses.indexOf(addressNumber(flow.destination));
    if (marked !== MARK_HOST && marked !== MARK_IDENTITY) {
      return addresses.indexOf(addressNumber(flow.source));
    }
    const mark = marked === MARK_HOST ? MARK_HOST : flow.mark;
    const at = this.marks.indexOf(mark);
    return at < 0 ? undefined : addresses.size + at;
  }

  #cellOf({ protocol, dport, code }: Flow, family: Family): number | undefined {
    const transport = TRANSPORTS.findIndex((p) => p === protocol);
    if (transport >= 0) return transport * this.#ports.size + this.#ports.indexOf(BigInt(dport));
    const icmp = TRANSPORTS.length * this.#ports.size;
    const own = family === 4 ? IP_PROTOCOL.ICMP : IP_PROTOCOL.ICMPV6;
    const foreign = family === 4 ? IP_PROTOCOL.ICMPV6 : IP_PROTOCOL.ICMP;
    const rest = icmp + this.#icmpTypes.size;
    if (protocol === foreign) return rest;
    if (protocol !== own) return rest + 1;
    const special = family === 4 && dport === FRAGMENTATION_NEEDED.type &&
      code === FRAGMENTATION_NEEDED.code;
    return special ? rest + 2 : icmp + this.#icmpTypes.indexOf(BigInt(dport));
  }

  /** In the order that {@linkcode ClassSpace.#cellOf} numbers. */
  #l4Cells(family: Family): L4Cell[] {
    const cells: L4Cell[] = [];
    for (const protocol of TRANSPORTS) {
      for (let i = 0; i < this.#ports.size; i++) {
        cells.push({ protocol, ports: this.#ports.corners(i).map(Number), code: 0 });
      }
    }
    const icmp = family === 4 ? IP_PROTOCOL.ICMP : IP_PROTOCOL.ICMPV6;
    for (let i = 0; i < this.#icmpTypes.size; i++) {
      cells.push({ protocol: icmp, ports: this.#icmpTypes.corners(i).map(Number), code: 0 });
    }
    const foreign = family === 4 ? IP_PROTOCOL.ICMPV6 : IP_PROTOCOL.ICMP;
    cells.push({ protocol: foreign, ports: [ECHO_REQUEST[family]], code: 0 });
    cells.push({ protocol: UNLISTED, ports: [0], code: 0 });
    if (family === 4) {
      const { type, code } = FRAGMENTATION_NEEDED;
      cells.push({ protocol: icmp, ports: [type], code });
    }
    return cells;
  }

  /** Phases of one peer's classes. All that is tracked has an answer. */
  #phasesOf(family: Family): number {
    return this.#cells[family].length * 2 + TRANSPORTS.length * this.#ports.size + 2;
  }

  /** Addresses and mark by which a class knows its peer. */
  *#peersOf(block: Block, peer: number): Generator<{ address: IpAddress; mark: number }> {
    const addresses = this.#addresses[block.family];
    if (peer < addresses.size) {
      for (const corner of addresses.corners(peer)) {
        yield { address: addressOfNumber(block.family, corner), mark: 0 };
      }
      return;
    }
    const mark = this.marks[peer - addresses.size] ?? 0;
    // The mark must win over an address that is known, and over one that is not.
    yield { address: block.own, mark };
    yield { address: addressOfNumber(block.family, lastAddress(block.family)), mark };
  }
}

function* cornersOf(
  { endpoint, hook, own }: Block,
  peers: readonly { address: IpAddress; mark: number }[],
  { protocol, ports, code }: L4Cell,
): Generator<FlowShape> {
  for (const { address, mark } of peers) {
    const [source, destination] = hook === "from_container" ? [own, address] : [address, own];
    for (const dport of ports) {
      yield { endpoint, hook, source, destination, protocol, dport, code, mark };
    }
  }
}

function* portRanges({ policies }: NodeState, icmp: boolean): Generator<Interval> {
  for (const { mapState } of policies) {
    for (const entry of mapState.entries) {
      const isIcmp = entry.protocol === PROTOCOL.ICMP || entry.protocol === PROTOCOL.ICMPV6;
      if (isIcmp !== icmp || entry.protocol === PROTOCOL.ANY) continue;
      const last = BigInt(lastPortOf(entry));
      const max = icmp ? ICMP_TYPE_MAX : PORT_MAX;
      yield { first: BigInt(entry.port), last: last < max ? last : max };
    }
  }
}

function point(value: bigint): Interval {
  return { first: value, last: value };
}
