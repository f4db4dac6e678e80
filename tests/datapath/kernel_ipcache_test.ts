import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { IpcacheKey, IpcacheState } from "../../src/datapath/datapath.ts";
import { KernelDatapath } from "../../src/datapath/kernel.ts";
import { newPacket } from "../../src/datapath/packet_builder.ts";
import { EventIndex } from "../../src/verify/event_record.ts";
import { kernelTest } from "../ebpf-ts-loader/kernel.ts";
import { batch, emulator, memory, SECOND } from "./_emulator.ts";
import { seeded } from "./_map_state.ts";
import { CLIENT, CLIENT_IDENTITY, ipv4, ipv6, NODE, SERVER_IDENTITY } from "./_node.ts";
import { boundariesOf, entryOf, masked, prefixChanges, PrefixList } from "./_prefix_list.ts";
import { type Random, randomOf } from "./_traffic.ts";

const IDENTITIES = [1, 2, 6, CLIENT_IDENTITY, SERVER_IDENTITY, 400, 999, 1 << 24 | 7];
const PACKETS = 512;
const ROUNDS = 25;

/** 10.x.y.z in a few neighbourhoods, crowded or not; sometimes anywhere. */
function randomAddress4(random: Random): Uint8Array {
  if (random(10) === 0) return Uint8Array.from({ length: 4 }, () => random(256));
  return Uint8Array.of(10, 1 + random(2), random(3), random(40));
}

function randomAddress6(random: Random): Uint8Array {
  const address = ipv6(random(40));
  address[7] = random(3);
  address[14] = random(2);
  return address;
}

function randomAddress(random: Random): Uint8Array {
  return random(3) === 0 ? randomAddress6(random) : randomAddress4(random);
}

function randomEntry(random: Random): IpcacheState {
  const address = randomAddress(random);
  const identity = IDENTITIES[random(IDENTITIES.length)] ?? 0;
  if (random(6) > 0) return { address, identity };
  const bits = address.length * 8;
  const prefixLength = random(4) === 0 ? random(bits + 1) : bits - random(20);
  return { address: masked(address, prefixLength), prefixLength, identity };
}

/** One packet from the client to each of many addresses. */
function fillBatch(random: Random): void {
  batch.clear();
  for (let i = 0; i < PACKETS; i++) {
    const destination = randomAddress(random);
    const eth = newPacket().eth();
    const ip = destination.length === 4
      ? eth.ipv4({ source: ipv4(CLIENT), destination })
      : eth.ipv6({ source: ipv6(CLIENT), destination });
    const data = ip.udp({ source: 1000 + i, destination: 7 }).build();
    batch.add({ endpoint: CLIENT, hook: "from_container", data, now: SECOND });
  }
}

/** A few neighbourhoods, so that they are crowded now and then. */
const address4 = fc.tuple(fc.nat(1), fc.nat(2), fc.nat(20))
  .map(([b, c, d]) => Uint8Array.of(10, b + 1, c, d));
const address6 = fc.tuple(fc.nat(1), fc.nat(1), fc.nat(20))
  .map(([b, c, d]) => Uint8Array.of(0xFD, 0, 0, b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, c, d));

kernelTest(
  "KernelIpcache, emulator and a plain list agree after any changes of addresses and CIDRs",
  async () => {
    using kernel = new KernelDatapath(memory);
    const change = prefixChanges(fc.oneof(address4, address6), fc.constantFrom(...IDENTITIES));
    const rounds = fc.array(fc.array(change, { minLength: 1, maxLength: 120 }), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(rounds, async (rounds) => {
        await kernel.load({ ...NODE, ipcache: [] });
        const { ipcache } = kernel.node.maps;
        const list = new PrefixList();
        for (const changes of rounds) {
          for (const change of changes) {
            if (change.identity === undefined) {
              list.remove(change);
              await ipcache.remove([change]);
            } else {
              list.set(entryOf(change));
              await ipcache.set([entryOf(change)]);
            }
          }
          const asked = boundariesOf(changes);
          const named = identitiesIn(kernel, asked);
          assertEquals(named, asked.map((one) => list.identityOf(one)));
        }
      }),
      seeded(10),
    );
  },
);

/** The identities that kernel and emulator find behind addresses, which must be the same. */
function identitiesIn(kernel: KernelDatapath, addresses: readonly Uint8Array[]): number[] {
  batch.clear();
  for (const [i, destination] of addresses.entries()) {
    const eth = newPacket().eth();
    const ip = destination.length === 4
      ? eth.ipv4({ source: ipv4(CLIENT), destination })
      : eth.ipv6({ source: ipv6(CLIENT), destination });
    const data = ip.udp({ source: 1000 + i, destination: 7 }).build();
    batch.add({ endpoint: CLIENT, hook: "from_container", data, now: SECOND + BigInt(i) });
  }
  const output = memory.packetBatch();
  const [ours, theirs] = [emulator, kernel].map((datapath) => {
    datapath.clearConntrack();
    datapath.run(batch, output);
    return datapath.drainEvents().bytes;
  });
  assertEquals(theirs, ours);
  const index = new EventIndex(ours ?? new Uint8Array());
  return addresses.map((_, i) => index.at(SECOND + BigInt(i))[0]?.destination ?? -1);
}

/** Runs the batch in both; the events name the identity of each destination. */
function mustAgree(kernel: KernelDatapath, what: string): void {
  const output = memory.packetBatch();
  kernel.clearConntrack();
  emulator.clearConntrack();
  kernel.run(batch, output);
  emulator.run(batch, output);
  assertEquals(kernel.drainEvents(), emulator.drainEvents(), what);
}

kernelTest(
  "KernelIpcache.set() and remove() leave the kernel answering as the emulator",
  async () => {
    using kernel = new KernelDatapath(memory);
    const { seed } = seeded(1);
    const random = randomOf(seed);
    await kernel.load(NODE);
    const known: IpcacheKey[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const { ipcache } = kernel.node.maps;
      const entries = Array.from({ length: 1 + random(60) }, () => randomEntry(random));
      await ipcache.set(entries);
      known.push(...entries);
      if (random(2) === 0) await ipcache.remove(known.splice(random(10), random(known.length)));
      fillBatch(random);
      mustAgree(kernel, `round ${round}, seed ${seed}`);
    }
  },
);

/** An address's root cell, in which bit 63 names a block. */
function hasBlock(kernel: KernelDatapath, address: Uint8Array): boolean {
  const [a = 0, b = 0] = address;
  const root = kernel.node.map(address.length === 4 ? "ipcache4_root" : "ipcache6_root");
  return (root.lookup(a << 8 | b)?.[7] ?? 0) >> 7 === 1;
}

kernelTest("KernelIpcache gives blocks to crowded addresses, and takes them back", async () => {
  using kernel = new KernelDatapath(memory);
  await kernel.load({ ...NODE, ipcache: [] });
  const { ipcache } = kernel.node.maps;
  const crowd4 = Array.from({ length: 20 }, (_, i) => Uint8Array.of(10, 7, 3, i));
  const crowd6 = Array.from({ length: 20 }, (_, i) => ipv6(i));
  const blocks = () => [crowd4, crowd6].map(([first = ipv4(0)]) => hasBlock(kernel, first));
  assertEquals(blocks(), [false, false]);

  const all = [...crowd4, ...crowd6];
  await ipcache.set(all.map((address) => ({ address, identity: 6 })));
  // The first change finds no block free and makes some; the next one takes them.
  await ipcache.set(all.map((address) => ({ address, identity: CLIENT_IDENTITY })));
  assertEquals(blocks(), [true, true]);

  await ipcache.remove(all.map((address) => ({ address })));
  assertEquals(blocks(), [false, false]);
});

kernelTest("KernelIpcache uses blocks again without an end", async () => {
  using kernel = new KernelDatapath(memory);
  await kernel.load({ ...NODE, ipcache: [] });
  const { ipcache } = kernel.node.maps;
  const random = randomOf(7);
  // A chunk has 256 blocks, and each round takes two.
  for (let round = 0; round < 200; round++) {
    const crowd = Array.from({ length: 12 }, (_, i) => Uint8Array.of(10, round, 1, i));
    await ipcache.set(crowd.map((address) => ({ address, identity: SERVER_IDENTITY })));
    if (round % 40 === 0) {
      fillBatch(random);
      mustAgree(kernel, `round ${round}`);
    }
    await ipcache.remove(crowd.map((address) => ({ address })));
  }
  const chunks = kernel.node.map("ipcache_chunks");
  assertEquals([chunks.lookup(0) !== undefined, chunks.lookup(1) !== undefined], [true, false]);
});
