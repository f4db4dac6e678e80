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
    assertMatch(again.stdout, /^LPM map: +[1-9]\d* decisions looked up/m);

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

Deno.test("verify says so where there is nobody whose flows it could ask about", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(
      `${folder}/policy.yaml`,
      `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: closed }
spec: { podSelector: {} }
`,
    );
    const { code, stdout } = await verify(["-f", "policy.yaml"], folder);
    assertEquals(code, 0);
    assertMatch(stdout, /^Classes: +0 of 0 checked.*\n +no endpoint in the manifests has any$/m);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
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
  const kernel = report.kernel === "ran" ? ["kernel", "lpm"] : [];
  assertEquals(Object.keys(report.opinions), ["spec", "emulator", "lpm-map", ...kernel]);
  assertEquals(report.opinions.emulator, report.packets);
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
    assertMatch(stdout, /spec = emulator = LPM map$/m);
    assertMatch(stdout, /^LPM map: +[1-9]\d+ decisions looked up in Cilium's policy maps$/m);
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

/** Two nodes with a pod each, and a bit of everything that verify tries on nodes. */
const TWO_NODES = `
apiVersion: v1
kind: List
items:
  - { apiVersion: v1, kind: Node, metadata: { name: n1 }, status: { addresses: [{ type: InternalIP, address: 10.0.0.1 }] } }
  - { apiVersion: v1, kind: Node, metadata: { name: n2 }, status: { addresses: [{ type: InternalIP, address: 10.0.0.2 }] } }
  - { apiVersion: v1, kind: Pod, metadata: { name: a }, spec: { nodeName: n1 }, status: { podIPs: [{ ip: 10.1.0.1 }] } }
  - { apiVersion: v1, kind: Pod, metadata: { name: b }, spec: { nodeName: n2 } }
  - apiVersion: cilium.io/v2
    kind: CiliumNetworkPolicy
    metadata: { name: p }
    spec:
      endpointSelector: {}
      ingress: [{ fromEntities: [remote-node] }]
      egress:
        - { toFQDNs: [{ matchName: example.com }] }
        - { toPorts: [{ ports: [{ port: "80", protocol: TCP }], rules: { http: [{ method: GET }] } }] }
  - apiVersion: cilium.io/v2
    kind: CiliumClusterwideNetworkPolicy
    metadata: { name: host }
    spec: { nodeSelector: {}, ingressDeny: [{ fromEndpoints: [{}] }], enableDefaultDeny: { ingress: false } }
`;

async function verifyTwoNodes(...args: readonly string[]): Promise<Finished> {
  const folder = await Deno.makeTempDir();
  await using _removal = {
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
  await Deno.writeTextFile(`${folder}/cluster.yaml`, TWO_NODES);
  return await verify(["-f", "cluster.yaml", "-o", "json", ...args], folder);
}

const FEATURE_ARGS = ["--dns", "example.com=192.0.2.7,2001:db8::7", "--no-allow-localhost"];

Deno.test("verify takes the view of every node, with host policies and redirects", async () => {
  const { code, stdout, stderr } = await verifyTwoNodes(...FEATURE_ARGS);
  assertEquals([stderr, code], ["", 0]);
  const { nodes, mismatches, classes, pairs } = JSON.parse(stdout);
  assertEquals([nodes, mismatches], [["n1", "n2"], 0]);
  assertEquals(classes.checked, classes.total);
  assertEquals(pairs.map((pair: { egress: { verdict: string } }) => pair.egress.verdict), [
    ...["redirected", "denied"],
    ...["redirected", "denied"],
  ]);
});

Deno.test("verify --node --classes --audit tries a part, and audit mode", async () => {
  const args = [...FEATURE_ARGS, "--node", "n2", "--classes", "500", "--audit"];
  const { code, stdout } = await verifyTwoNodes(...args, "--random", "100");
  const { nodes, classes, mismatches } = JSON.parse(stdout);
  assertEquals([code, nodes, mismatches], [0, ["n2"], 0]);
  assertEquals(classes.checked < classes.total, true);
});

const MISSPELT = `---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: misspelt }
spec: { podSelector: {}, ingres: [] }
`;

async function verifyMisspelt(...args: readonly string[]): Promise<Finished> {
  const folder = await Deno.makeTempDir();
  await using _removal = {
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
  await Deno.writeTextFile(`${folder}/cluster.yaml`, TWO_NODES + MISSPELT);
  return await verify(["-f", "cluster.yaml", "-f", "missing.yaml", ...args], folder);
}

Deno.test("verify tells of what is refused, verifies the rest and exits 2", async () => {
  const { code, stdout, stderr } = await verifyMisspelt("--classes", "500");
  const [missing, misspelt, ...more] = stderr.trimEnd().split("\n");
  assertMatch(missing ?? "", /missing\.yaml/);
  assertMatch(misspelt ?? "", /^Cannot read NetworkPolicy "default\/misspelt": spec\.ingres /);
  assertEquals(more, []);
  assertMatch(stdout, /^Refused: .*\nViews: +n1, n2$/m);
  assertMatch(stdout, /^Mismatches: +0$/m);
  assertEquals(code, 2);
});

Deno.test("verify exits 1 on a mismatch, whatever was refused", async () => {
  const fault = ["--fault", `emulator:1:${VERDICT_OF_ENTRY}`];
  const { code, stdout } = await verifyMisspelt(...fault, "--repro-out", "repro", "-o", "json");
  const { refused, mismatches } = JSON.parse(stdout);
  assertEquals([code, refused, mismatches > 0], [1, true, true]);
});

const WRONG_FLAGS: readonly (readonly [args: readonly string[], says: RegExp])[] = [
  [["--node", "n9"], /^Cannot take the view of "n9": no such node, expected n1, n2$/m],
  [["--dns", "example.com"], /expected for example example\.com=192\.0\.2\.1/],
  [["--dns", "example.com=192.0.2.300"], /expected for example example\.com=192\.0\.2\.1/],
  [["--enforcement", "sometimes"], /default, always, never/],
];

for (const [args, says] of WRONG_FLAGS) {
  Deno.test(`verify ${args.join(" ")} exits 2 and says what is wrong`, async () => {
    const { code, stdout, stderr } = await verifyTwoNodes(...args);
    assertEquals([code, stdout], [2, ""]);
    assertMatch(stderr, says);
  });
}
