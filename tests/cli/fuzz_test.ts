import { assertEquals, assertMatch } from "@std/assert";
import { pcapOf } from "../../src/pcap/write_pcap.ts";
import { kernelTest } from "../ebpf-ts-loader/kernel.ts";
import { commandTests, runCommand } from "./_command.ts";

const PACKETS = "100000";

commandTests("fuzz", [
  {
    description: "a seed that is none",
    args: ["--seed", "-1"],
    stderr: [
      "error: option '--seed <number>' argument '-1' is invalid. expected a whole number up to 4294967295",
    ],
    code: 2,
  },
  {
    description: "packets that are none",
    args: ["--packets", "many"],
    stderr: [
      "error: option '--packets <number>' argument 'many' is invalid. expected a whole number from 1 to 1000000000000",
    ],
    code: 2,
  },
  {
    description: "a corpus that is no capture",
    args: ["--corpus", "DIR/a.pcap"],
    files: { "a.pcap": "no capture" },
    stderr: ['Cannot read "DIR/a.pcap": begins with 0x6e6f206361707475, expected pcap or pcapng'],
    code: 2,
  },
]);

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("twinpath fuzz -o json counts packets, mismatches and what was reached", async () => {
  const { code, stdout, stderr } = await runCommand([
    ...["fuzz", "--packets", PACKETS, "--seed", "9", "-o", "json"],
  ]);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  const report = JSON.parse(stdout);
  assertEquals(Object.keys(report), [
    "seed",
    "threads",
    "packets",
    "worlds",
    "stretches",
    "packetsPerSecond",
    "coverage",
    ...("reason" in report ? [] : ["blocks"]),
    "seconds",
    "kernel",
    ...("reason" in report ? ["reason"] : []),
    "mismatches",
  ]);
  assertEquals(report.seed, 9);
  assertEquals(report.mismatches, 0);
  assertEquals(report.packets >= Number(PACKETS), true);
  assertEquals(Object.keys(report.coverage), ["reached", "missed", "outOfReach"]);
  if ("reason" in report) return;
  assertEquals(Object.keys(report.blocks), ["programs", "missed", "outOfReach", "staleReasons"]);
});

Deno.test("twinpath fuzz takes packets of captures", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/some.pcap`;
    await Deno.writeFile(path, pcapOf([{ data: new Uint8Array(60).fill(7), now: 1n }]));
    const { code, stdout, stderr } = await runCommand([
      ...["fuzz", "--packets", PACKETS, "--seed", "9", "-o", "json", "--corpus", path],
    ]);
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
    const { coverage } = JSON.parse(stdout);
    const names = coverage.reached.map(({ name }: { name: string }) => name);
    assertEquals(names.includes("packet of the corpus drop"), true);
  });
});

kernelTest("twinpath fuzz exits 1 on a fault, and verify replays it", async () => {
  await inFolder(async (folder) => {
    const out = `${folder}/repro`;
    const found = await runCommand([
      ...["fuzz", "--packets", PACKETS, "--threads", "1", "--seed", "4", "--fault", "kernel:1:40"],
      ...["--repro-out", out],
    ]);
    assertEquals({ code: found.code, stderr: found.stderr }, { code: 1, stderr: "" });
    assertMatch(found.stdout, /^Noticed by .*; shrunk to 1 packets$/m);

    const again = await runCommand(["verify", "--repro", out, "-o", "json"]);
    assertEquals({ code: again.code, stderr: again.stderr }, { code: 1, stderr: "" });
    assertEquals(JSON.parse(again.stdout).packets, 1);

    await Deno.writeTextFile(`${out}/state.json`, "{}");
    const broken = await runCommand(["verify", "--repro", out]);
    assertEquals(broken.code, 2);
    assertMatch(
      broken.stderr,
      /^Cannot replay ".*repro": Cannot read "endpoints": absent, expected a list$/m,
    );
  });
});
