/**
 * What the emulator's path benchmarks run: a policy, an ipcache, and packets to its addresses.
 *
 * @module
 */
import { PACKET_BATCH, PACKET_SLOT_SIZE } from "../src/datapath/layout.ts";
import { PacketBatch } from "../src/datapath/packet_batch.ts";
import { addressSet } from "./addresses.ts";
import { PATH_SOURCE, PATH_SOURCE6, PathPackets } from "./path_packets.ts";
import type { PolicyMemory } from "./policy_memory.ts";
import type { Workload } from "./workloads.ts";

/** Size of a path benchmark. */
export interface PathShape {
  /** One policy. */
  readonly workload: Workload;
  /** Addresses and CIDRs in the ipcache. */
  readonly addresses: number;
  /** Packets, and at most so many flows; a multiple of `PACKET_BATCH`. @default {PACKET_BATCH} */
  readonly packets?: number;
  /** Endpoints whose packets they are, those of each back to back. @default {1} */
  readonly endpoints?: number;
  /** 6: between the IPv6 addresses that stand for the IPv4 ones. @default {4} */
  readonly family?: 4 | 6;
}

/** Packets back to back in the memory of the module. */
export interface PacketArea {
  /** Address of the first. */
  readonly pointer: number;
  readonly count: number;
}

/**
 * Fills a memory with the shape's policy, addresses and packets. No events, no accounting.
 */
export function preparePath(
  memory: PolicyMemory,
  { workload, addresses, packets = PACKET_BATCH, endpoints = 1, family = 4 }: PathShape,
): PacketArea {
  const policy = workload.policy(1);
  memory.writeRecords(policy);
  memory.datapath.publish(memory.buildImage(policy));
  const [ipv4 = 0] = new Uint32Array(PATH_SOURCE.buffer);
  memory.datapath.bytes(memory.exports.addressStaging(), PATH_SOURCE6.length).set(PATH_SOURCE6);
  for (let endpoint = 1; endpoint <= endpoints; endpoint++) {
    memory.exports.setEndpoint(endpoint, 0, ipv4, 0, endpoint, endpoint, policy.number, 0, 0);
  }
  // Destinations are the policy's peers: both number them from slot 256 on.
  const set = addressSet(addresses, { podIdentities: policy.peers.length });
  memory.fillIpcache(set, family);
  const pointer = memory.allocate(packets * PACKET_SLOT_SIZE);
  const source = new PathPackets(set, packets, { family });
  for (let made = 0; made < packets; made += PACKET_BATCH) {
    const start = pointer + made * PACKET_SLOT_SIZE;
    const batch = new PacketBatch(memory.datapath.wasm.memory, start, PACKET_BATCH);
    const endpoint = 1 + Math.floor(made * endpoints / packets);
    for (let i = 0; i < PACKET_BATCH; i++) source.add(batch, endpoint, policy);
  }
  return { pointer, count: packets };
}
