import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { DatapathMemory } from "../../src/datapath/datapath_memory.ts";
import { readEmulatorWasm } from "../../src/datapath/emulator_file.ts";
import type { BlockReport, MissedLine } from "../../src/fuzz/block_coverage.ts";
import { fuzzReproducerFiles, parseFuzzReproducer } from "../../src/fuzz/reproducer.ts";
import { replayFuzz } from "../../src/fuzz/replay.ts";
import { kernelTest } from "../ebpf-ts-loader/kernel.ts";
import { mustFuzz } from "./_twins.ts";

const PACKETS = 100_000;
/** The profile of ingress peers that no cell names, in the header of every image. */
const BROAD_BLOCK = 40;

Deno.test("fuzz() of the same seed reaches the same", async () => {
  const run = async (seed: number) => {
    const { packets, worlds, coverage } = await mustFuzz({ seed, packets: PACKETS, kernel: false });
    return { packets, worlds, reached: coverage.reached };
  };
  const first = await run(5);
  assertEquals(await run(5), first);
  assertNotEquals(await run(6), first);
});

Deno.test("fuzz() reaches every conntrack state in every protocol", async () => {
  const { coverage } = await mustFuzz({ seed: 1, packets: PACKETS, kernel: false });
  assertEquals(coverage.missed.filter((name) => name.startsWith("conntrack: ")), []);
});

kernelTest("fuzz() finds emulator and kernel equal, and misses nothing", async () => {
  const { packets, mismatch, coverage, blocks } = await mustFuzz({
    seed: 12,
    packets: 10 * PACKETS,
    kernel: true,
  });
  assertEquals(mismatch?.differences, undefined);
  assert(packets >= 10 * PACKETS);
  assertEquals(coverage.missed, []);
  // What every run reaches, in the programs that packets enter.
  for (const program of ["from_container", "to_container"]) {
    for (const line of KNOWN_LINES) assert(isReached(blocks, program, line), `${program} ${line}`);
  }
  assertEquals(blocks?.staleReasons, []);
});

/** An established flow over IPv4, counted and prolonged; a packet of TCP. */
const KNOWN_LINES = [
  "__sync_fetch_and_add(&entry->packets, 1);",
  "found = bpf_map_lookup_elem(&conntrack4, &key);",
  "packet->tcp_flags = ((const __u8 *)l4)[TCP_FLAGS_OFFSET];",
];

function isReached(blocks: BlockReport | undefined, program: string, line: string): boolean {
  const has = (some: readonly MissedLine[]) =>
    some.some((missed) => missed.program === program && missed.line === line);
  return blocks !== undefined && !has(blocks.missed) && !has(blocks.outOfReach);
}

for (const datapath of ["emulator", "kernel"] as const) {
  kernelTest(
    `fuzz() finds a fault of the ${datapath}, shrinks it, and its reproducer fails`,
    async () => {
      const fault = { datapath, policy: 1, byte: BROAD_BLOCK };
      const { mismatch } = await mustFuzz({ seed: 4, packets: PACKETS, kernel: true, fault });
      assert(mismatch !== undefined && mismatch.repeatable);
      assertEquals(mismatch.packets.length, 1);
      assert(mismatch.world.node.endpoints.length <= 2);

      const files = new Map(
        fuzzReproducerFiles(mismatch, { seed: 4, fault }).map((f) => [f.name, f.content]),
      );
      const text = (name: string) => String(files.get(name));
      const reproducer = parseFuzzReproducer({
        summary: text("fuzz.json"),
        state: text("state.json"),
        packets: new Uint8Array(files.get("packets.pcap") as Uint8Array),
      });
      assertEquals(reproducer.packets, mismatch.packets);
      const memory = () => readEmulatorWasm().then((wasm) => new DatapathMemory(wasm));
      assertEquals(await replayFuzz(await memory(), reproducer), [...mismatch.differences]);
      assertEquals(await replayFuzz(await memory(), { ...reproducer, fault: undefined }), []);
    },
  );
}
