/**
 * `emulator.path.*`: headers, identity of the destination, egress policy (no conntrack)
 * in the emulator against native C, on the same packets and tables in the same memory.
 *
 * @module
 */
import { DIRECTION_EGRESS, PACKET_BATCH } from "../src/datapath/layout.ts";
import type { PacketBatch } from "../src/datapath/packet_batch.ts";
import { newPacket } from "../src/datapath/packet_builder.ts";
import { PROTOCOL } from "../src/policy/map_state.ts";
import { addressBytes, type AddressSet, addressSet, drawAddresses } from "./addresses.ts";
import type { Benchmark, BenchOptions } from "./benchmark.ts";
import { EmulatorLookups } from "./emulator_lookups.ts";
import { PolicyMemory } from "./policy_memory.ts";
import { Random } from "./random.ts";
import { CLANG } from "./requirement.ts";
import type { BenchResult } from "./result.ts";
import type { Policy, Workload } from "./workloads.ts";

const ENDPOINT = 1;
const SOURCE = Uint8Array.of(10, 255, 255, 254);
const EPHEMERAL_PORTS = 32768;

/** TCP and UDP packets to known and unknown addresses, half of them to a port of some rule. */
function fillPackets(batch: PacketBatch, policy: Policy, set: AddressSet): void {
  const random = new Random(1);
  const ports = policy.peers
    .filter(({ rules }) => rules.direction === DIRECTION_EGRESS)
    .flatMap(({ rules }) => rules.entries);
  for (const address of drawAddresses(set, batch.capacity)) {
    const ip = newPacket().eth().ipv4({ source: SOURCE, destination: addressBytes(address) });
    const source = EPHEMERAL_PORTS + random.below(28000);
    const anyPort = { protocol: PROTOCOL.TCP, port: random.below(65536) };
    const { protocol, port } = random.chance(50) ? random.pick(ports) : anyPort;
    const l4 = { source, destination: port };
    const packet = protocol === PROTOCOL.UDP ? ip.udp(l4) : ip.tcp(l4);
    batch.add({ endpoint: ENDPOINT, hook: "from_container", data: packet.build() });
  }
}

async function measure(
  name: string,
  { workload, addresses }: PathShape,
  options: BenchOptions,
): Promise<BenchResult> {
  options.progress.show(`${name}: building`);
  const memory = await PolicyMemory.create();
  const policy = workload.policy(1);
  memory.writeRecords(policy);
  memory.datapath.publish(memory.buildImage(policy));
  memory.exports.setEndpoint(ENDPOINT, 0, 0, 0, 0, 0, policy.number, 0, 0);
  // Destinations are the policy's peers: both number them from slot 256 on.
  const set = addressSet(addresses, { podIdentities: policy.peers.length });
  memory.fillIpcache(set);
  const batch = memory.datapath.packetBatch(PACKET_BATCH);
  fillPackets(batch, policy, set);

  using lookups = new EmulatorLookups(memory, batch.pointer, batch.count);
  const functions = {
    emulator: memory.exports.classifyPackets,
    native: lookups.native.classifyPackets,
  };
  return lookups.race(name, functions, options);
}

/** Size of a path benchmark. */
export interface PathShape {
  /** One policy. */
  readonly workload: Workload;
  /** Addresses and CIDRs in the ipcache. */
  readonly addresses: number;
}

/** A benchmark of the emulator's path without conntrack. */
export function emulatorPathBenchmark(name: string, shape: PathShape): Benchmark {
  return {
    name,
    about: "parse, identity and policy of a packet in the emulator, against native C",
    requires: [CLANG],
    run: (options) => measure(name, shape, options),
  };
}
