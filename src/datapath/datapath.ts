/**
 * What every datapath is, whichever machine it runs on: it takes the state of one
 * node, judges batches of packets, and shows what it did, as bytes.
 *
 * The state is plain data. Events, conntrack and metrics come back in the layout of
 * `bpf/structs.h`, so that two datapaths are compared with one comparison of bytes.
 *
 * @module
 */
import type { MapState } from "../policy/map_state.ts";
import type { ConntrackCollection } from "./conntrack_collection.ts";
import type { MergeMode } from "./image_builder.ts";
import type { PacketBatch } from "./packet_batch.ts";

/** An IPv4 (4 bytes) or IPv6 (16 bytes) address in network byte order. */
export type AddressBytes = Uint8Array;

/** A MAC address, 6 bytes as on the wire. */
export type MacBytes = Uint8Array;

/** One local endpoint: a pod whose veth carries the programs. */
export interface EndpointState {
  /** Endpoint id, 1 to `MAX_ENDPOINTS` − 1. */
  readonly id: number;
  /** The endpoint's addresses. A packet from any other source is spoofed. */
  readonly ipv4?: AddressBytes | undefined;
  readonly ipv6?: AddressBytes | undefined;
  /** Container side of the veth. */
  readonly mac: MacBytes;
  /** Host side of the veth. */
  readonly nodeMac: MacBytes;
  /** Interface index of the host side. */
  readonly ifindex: number;
  /** Security identity of the endpoint. */
  readonly identity: number;
  /** Number of the policy that governs it; 0 means none yet: packets are dropped. */
  readonly policy: number;
  /** Audit mode: what policy drops passes, and its event says so. @default {false} */
  readonly audit?: boolean | undefined;
  /** Count packets and bytes by policy entry. @default {true} */
  readonly accounting?: boolean | undefined;
}

/** A redirect to an L7 proxy. */
export interface RedirectState {
  /** Id that map state entries name, 1 to `MAX_REDIRECTS` − 1. */
  readonly id: number;
  /** Port on which its proxy listens; 0: none does, and packets are dropped. */
  readonly port: number;
}

/** An identity known on the node, and the dense slot that images use for it. */
export interface IdentityState {
  /** Security identity, 1 to 2³² − 1. */
  readonly identity: number;
  /** Slot, 1 to `IMAGE_L_SLOTS` − 1; equal to the identity for 1–255. */
  readonly slot: number;
}

/** One address or one CIDR. */
export interface IpcacheKey {
  /** Address, or first address of the CIDR: bits beyond `prefixLength` must be zero. */
  readonly address: AddressBytes;
  /** Leading bits that count. Absent means one address, which wins over a CIDR of one. */
  readonly prefixLength?: number | undefined;
}

/** One address or one CIDR and the identity behind it. */
export interface IpcacheState extends IpcacheKey {
  /**
   * Security identity. Its slot is taken from {@linkcode NodeState.identities}; an identity
   * that is not there has none and is judged by its scope.
   */
  readonly identity: number;
}

/** One policy, shared by the endpoints that name its number. */
export interface PolicyState {
  /** Policy number, 1 to `MAX_POLICIES` − 1. */
  readonly number: number;
  /** Grows with every change; reported in events. */
  readonly revision: number;
  /** What the policy says. A direction without entries drops everything. */
  readonly mapState: MapState;
  /** How its image is built; every way gives the same answers. @default the memory's way */
  readonly mergeMode?: MergeMode;
}

/** What programs report. Every drop is counted, whether it is reported or not. */
export type EventKind = "drop" | "policy_verdict" | "trace";

/** Everything a datapath knows about its node. */
export interface NodeState {
  readonly endpoints: readonly EndpointState[];
  readonly identities: readonly IdentityState[];
  readonly ipcache: readonly IpcacheState[];
  readonly policies: readonly PolicyState[];
  /** Redirects whose proxies listen. Packets for any other are dropped. @default {[]} */
  readonly redirects?: readonly RedirectState[] | undefined;
  /** Which events the programs raise. @default {["drop", "policy_verdict", "trace"]} */
  readonly events?: readonly EventKind[] | undefined;
  /**
   * Seconds in which a flow, or packets of one kind without a flow, are told of once. With 0 a
   * flow is told of when it begins, and each packet without one.
   * @default {0}
   */
  readonly eventInterval?: number | undefined;
}

/** Conntrack entries of both families, as the maps hold them; entry i has key i and value i. */
export interface ConntrackDump {
  /** `struct ct4_key`, 16 bytes each. */
  readonly keys4: Uint8Array;
  /** `struct ct_entry`, 64 bytes each. */
  readonly values4: Uint8Array;
  /** `struct ct6_key`, 40 bytes each. */
  readonly keys6: Uint8Array;
  /** `struct ct_entry`, 64 bytes each. */
  readonly values6: Uint8Array;
}

/** Counters by policy entry, as the map holds them; entry i has key i and value i. */
export interface AccountingDump {
  /** `struct accounting_key`, 16 bytes each. */
  readonly keys: Uint8Array;
  /** `struct metrics_value`, all CPUs added up. */
  readonly values: Uint8Array;
}

/** Events since the last drain. */
export interface EventBatch {
  /** `struct event` records back to back, oldest first; a copy that the caller owns. */
  readonly bytes: Uint8Array;
  /** How many events found no room and were only counted. */
  readonly lost: number;
}

/**
 * A datapath that can be driven packet by packet. Implementations: the emulator,
 * the kernel's programs, and the same programs on Cilium's layout of policies ("lpm").
 */
export interface Datapath extends Disposable {
  /** Which datapath answers, for reports. */
  readonly kind: "emulator" | "kernel" | "lpm";

  /**
   * Replaces the whole state of the node. Conntrack, metrics and events start empty.
   *
   * @throws {RangeError} If the state exceeds a limit of the datapath; the message names
   * the limit, and the state of before stays whole.
   */
  load(state: NodeState): void | Promise<void>;

  /**
   * Replaces one policy. Packets see the old policy or the new one, never a mixture:
   * the new image is built beside the old and published by one store.
   *
   * @throws {RangeError} If the policy does not fit; the old one stays in force.
   */
  replacePolicy(policy: PolicyState): void | Promise<void>;

  /**
   * Runs every packet of `input`, in order, and leaves what became of it in `output`
   * (data, length, mark, verdict). `input` is not changed, unless both are the same.
   * Blocks until all packets have run. Time is each packet's `now`.
   *
   * @throws {RangeError} If `output` has no room for the packets of `input`.
   */
  run(input: PacketBatch, output: PacketBatch): void;

  /** Takes the events raised since the last drain. */
  drainEvents(): EventBatch;

  /** Copies the conntrack tables, in no particular order. */
  conntrack(): ConntrackDump;

  /**
   * Deletes the flows whose lifetime is over. Packets never meet them; this makes room.
   *
   * @param now Seconds of the programs' clock.
   */
  collectConntrack(now: number): ConntrackCollection;

  /** Forgets all flows, all fragmented packets, and what events have told of. */
  clearConntrack(): void;

  /**
   * Copies the metrics: `METRICS_SIZE` × `struct metrics_value`, all CPUs added up,
   * index `reason << 1 | direction`.
   */
  metrics(): Uint8Array;

  /** Copies the counters of policy entries, in no particular order. */
  accounting(): AccountingDump;

  /** Forgets the counters of policy entries. */
  clearAccounting(): void;
}
