import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { kernelTest } from "../ebpf-ts-loader/kernel.ts";

const MAIN = new URL("../../src/main.ts", import.meta.url).pathname;
const REQUIRED = Deno.env.get("TWINPATH_REQUIRE_KERNEL") === "1";

interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(command: string, args: readonly string[], cwd?: string): Promise<Finished> {
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    env: { NO_COLOR: "1" },
    ...(cwd === undefined ? {} : { cwd }),
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

function verify(args: readonly string[], cwd?: string): Promise<Finished> {
  return run(Deno.execPath(), ["run", "-A", MAIN, "verify", "--random", "2000", ...args], cwd);
}

/** Byte of an image of the smallest class: the verdict of entry number 3. */
const VERDICT_OF_ENTRY = 258 * 64 + 3 * 16 + 10;

async function mustMismatchAndReplay(datapath: "emulator" | "kernel"): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const fault = `${datapath}:1:${VERDICT_OF_ENTRY}`;
    const found = await verify(["--seed", "7", "--fault", fault, "-o", "json"], folder);
    assertEquals(found.stderr, "");
    assertEquals(found.code, 1);
    const report = JSON.parse(found.stdout);
    assertNotEquals(report.mismatches, 0);
    assertEquals(report.reproducer, "twinpath-repro");
    const files = [...Deno.readDirSync(`${folder}/twinpath-repro`)].map(({ name }) => name).sort();
    assertEquals(files, ["manifests.yaml", "packets.pcap", "reproducer.json"]);

    const again = await verify(["--repro", "twinpath-repro"], folder);
    assertEquals(again.code, 1);
    assertMatch(again.stdout, new RegExp(`^  ${datapath}: `, "m"));
    assertMatch(again.stdout, /^ +spec: /m);

    // Without the fault the same packets are treated alike.
    const path = `${folder}/twinpath-repro/reproducer.json`;
    const { fault: _, ...sound } = JSON.parse(await Deno.readTextFile(path));
    await Deno.writeTextFile(path, JSON.stringify(sound));
    assertEquals((await verify(["--repro", "twinpath-repro"], folder)).code, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("verify exits 1 on a fault in the emulator's image, and replays it", async () => {
  await mustMismatchAndReplay("emulator");
});

kernelTest("verify exits 1 on a fault in the kernel's image, and replays it", async () => {
  await mustMismatchAndReplay("kernel");
});

Deno.test("verify -o json counts classes and mismatches", async () => {
  const { code, stdout, stderr } = await verify(["-o", "json"]);
  assertEquals(stderr, "");
  assertEquals(code, 0);
  const report = JSON.parse(stdout);
  assertEquals(report.mismatches, 0);
  assertEquals(report.classes.checked, report.classes.total);
  assertEquals(["ran", "skipped"].includes(report.kernel), true);
  assertEquals(report.random.flows, 2000);
});

Deno.test("verify prints the seed, and the same seed gives the same run", async () => {
  const seeds = await Promise.all([1, 2].map(async () => {
    const { stdout } = await verify(["--seed", "12345", "-o", "json"]);
    return JSON.parse(stdout).random.seed;
  }));
  assertEquals(seeds, [12345, 12345]);
});

Deno.test("verify -o jsonl prints pairs, then the summary", async () => {
  const { stdout } = await verify(["-o", "jsonl"]);
  const lines = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.at(-1).mismatches, 0);
  assertEquals(lines.slice(0, -1).every((line) => "pair" in line), true);
  const landing = lines.find((line) =>
    line.pair?.source === "default/tiefighter" && line.pair.destination === "default/deathstar" &&
    line.pair.ports.includes("80/TCP")
  );
  assertEquals(landing.pair.ingress.verdict, "allowed");
  assertEquals(landing.pair.ingress.rules[0].name, "deathstar-ingress");
});

Deno.test("verify prints a table of pairs and verdicts", async () => {
  const { stdout } = await verify([]);
  assertMatch(stdout, /^default\/xwing +default\/deathstar +80\/TCP.* allowed +denied/m);
  assertMatch(stdout, /^Mismatches: +0$/m);
});

/** Runs with all capabilities taken away: root is then no more than a user. */
const WITHOUT_CAPABILITIES = ["--bounding-set=-all", "--inh-caps=-all", "--"];

async function whyNoSetpriv(): Promise<string | undefined> {
  try {
    const { code } = await run("setpriv", [...WITHOUT_CAPABILITIES, "true"]);
    return code === 0 ? undefined : "setpriv cannot drop capabilities";
  } catch {
    return "no setpriv";
  }
}

const noSetpriv = await whyNoSetpriv();
const suffix = noSetpriv === undefined ? "" : ` [skipped: ${noSetpriv}]`;

Deno.test({
  name: `verify without BPF says in one line that the kernel was left out, and exits 0${suffix}`,
  ignore: noSetpriv !== undefined,
  fn: async () => {
    const args = [...WITHOUT_CAPABILITIES, Deno.execPath(), "run", "-A", MAIN, "verify"];
    const { code, stdout } = await run("setpriv", [...args, "--random", "100"]);
    assertMatch(stdout, /^kernel: +left out, .*EPERM/m);
    assertMatch(stdout, /spec = emulator$/m);
    assertEquals(code, 0);
    const strict = await run("setpriv", [...args, "--require-kernel"]);
    assertEquals(strict.code, 2);
    assertMatch(strict.stderr, /^Cannot verify in the kernel: Cannot .*: EPERM .*\n$/);
    assertEquals(strict.stderr.split("expected").length, 2, strict.stderr);
  },
});

Deno.test("the kernel is required only where TWINPATH_REQUIRE_KERNEL says so", async () => {
  const { code } = await verify(REQUIRED ? ["--require-kernel"] : []);
  assertEquals(code, 0);
});
