import { assertEquals, assertMatch } from "@std/assert";
import { listLinks, openRtnetlink } from "ebpf-ts-loader/netlink";
import { bpf } from "ebpf-ts-loader/sys";
import { tcxTest } from "../demo/tcx_test_case.ts";

const ENTRY = new URL("../../src/main.ts", import.meta.url).pathname;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;
const DENO_RUN = ["run", "--quiet", "-A", `--config=${CONFIG}`, ENTRY, "demo"];
const PROG_GET_NEXT_ID = 11;
const SLOW_PODS = 12;

interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(command: string, args: readonly string[]): Promise<Finished> {
  const output = await new Deno.Command(command, {
    args: [...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code: output.code, stdout: text(output.stdout), stderr: text(output.stderr) };
}

function demo(...args: readonly string[]): Promise<Finished> {
  return run(Deno.execPath(), [...DENO_RUN, ...args]);
}

/** Ids of all BPF programs of the machine. */
function programIds(): Set<number> {
  const ids = new Set<number>();
  const attr = new Uint8Array(12);
  const view = new DataView(attr.buffer);
  for (;;) {
    if (bpf(PROG_GET_NEXT_ID, attr, attr.length) < 0) return ids;
    const id = view.getUint32(4, true);
    ids.add(id);
    view.setUint32(0, id, true);
  }
}

/** Ids of the BPF programs that a process holds, directly or by a link. */
function programIdsOf(pid: number): Set<number> {
  const ids = new Set<number>();
  for (const { name } of Deno.readDirSync(`/proc/${pid}/fdinfo`)) {
    const id = /^prog_id:\s*(\d+)$/m.exec(readIfThere(`/proc/${pid}/fdinfo/${name}`));
    if (id) ids.add(Number(id[1]));
  }
  return ids;
}

/** Empty for a file that is gone: the process goes on while it is looked at. */
function readIfThere(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return "";
  }
}

/** Pods that nobody may reach: each of their many probes takes as long as patience lasts. */
function slowCluster(pods: number): string {
  const podText = (index: number) => `
---
apiVersion: v1
kind: Pod
metadata: { name: p${index} }
status: { podIPs: [{ ip: 10.0.0.${index + 1} }] }`;
  const ports = Array.from({ length: 12 }, (_, index) => `{ port: "${index + 1}" }`);
  return Array.from({ length: pods }, (_, index) => podText(index)).join("") + `
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: nobody }
spec:
  endpointSelector: {}
  ingress:
    - fromEndpoints: [{ matchLabels: { nobody: here } }]
      toPorts: [{ ports: [${ports.join(", ")}] }]
`;
}

/** What could be left behind outside the process: interfaces and named namespaces. */
function surroundings(): { links: string[]; namespaces: string[] } {
  using netlink = openRtnetlink();
  let namespaces: string[] = [];
  try {
    namespaces = [...Deno.readDirSync("/run/netns")].map(({ name }) => name).sort();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return {
    links: listLinks(netlink).map(({ ifindex, name }) => `${ifindex}: ${name}`),
    namespaces,
  };
}

/** Ends a demo while its packets are on the way, and checks that nothing of it stays. */
async function interrupt(signal: Deno.Signal): Promise<Deno.CommandStatus> {
  const before = surroundings();
  const manifest = await Deno.makeTempFile({ suffix: ".yaml" });
  await using _removal = { [Symbol.asyncDispose]: () => Deno.remove(manifest) };
  await Deno.writeTextFile(manifest, slowCluster(SLOW_PODS));
  await using child = new Deno.Command(Deno.execPath(), {
    args: [...DENO_RUN, "-o", "jsonl", "-f", manifest],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  assertMatch(new TextDecoder().decode(value), /^\{"event":/, "the first event, half-way");
  const programs = programIdsOf(child.pid);
  assertEquals(programs.difference(programIds()), new Set(), "they are there");
  assertEquals(programs.size, 3 * SLOW_PODS, "three for each pod");
  child.kill(signal);
  while (!(await reader.read()).done);
  const status = await child.status;
  assertEquals(surroundings(), before);
  // The kernel frees programs after a grace period.
  while (programIds().intersection(programs).size > 0) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return status;
}

tcxTest("demo prints events, the table and the figures", async () => {
  const { code, stdout, stderr } = await demo("--require-kernel");
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^tiefighter → deathstar:80\/TCP allowed by default\/deathstar-ingress$/m);
  assertMatch(stdout, /^xwing ✗ deathstar:80\/TCP denied: policy$/m);
  assertMatch(stdout, /^FROM +TO +PORT +IPv4 +IPv6 +EMULATOR$/m);
  assertMatch(stdout, /^xwing +deathstar +80\/TCP +denied +denied +=/m);
  assertMatch(stdout, /^120 probes: 76 reached, 44 denied, 0 mismatches with the emulator\n$/m);
});

tcxTest("demo -o json prints one value and nothing else", async () => {
  const { code, stdout } = await demo("-o", "json");
  const { kernel, probes, mismatches, results } = JSON.parse(stdout);
  assertEquals([code, kernel, probes, mismatches, results.length], [0, "ran", 120, 0, 120]);
});

tcxTest("demo leaves nothing behind on SIGINT and exits 130", async () => {
  assertEquals((await interrupt("SIGINT")).code, 130);
});

tcxTest("demo leaves nothing behind on SIGTERM and exits 143", async () => {
  assertEquals((await interrupt("SIGTERM")).code, 143);
});

tcxTest("demo leaves nothing behind on SIGKILL", async () => {
  assertEquals((await interrupt("SIGKILL")).signal, "SIGKILL");
});

tcxTest(
  "demo says in one line why it is skipped, and --require-kernel makes that exit 2",
  async () => {
    const unprivileged = ["--bounding-set=-all", "--inh-caps=-all", Deno.execPath(), ...DENO_RUN];
    const skipped = await run("setpriv", unprivileged);
    assertEquals([skipped.code, skipped.stderr], [0, ""]);
    assertMatch(skipped.stdout, /^The demo is skipped: Cannot unshare .*EPERM.*\n$/);
    const required = await run("setpriv", [...unprivileged, "--require-kernel"]);
    assertEquals([required.code, required.stdout], [2, ""]);
    assertMatch(required.stderr, /^The demo is skipped: .*EPERM.*\n$/);
    const json = await run("setpriv", [...unprivileged, "-o", "json"]);
    assertEquals([json.code, JSON.parse(json.stdout).kernel], [0, "skipped"]);
  },
);

Deno.test("demo exits 2 on bad input and bad use, with the reason", async () => {
  const wrong = await demo("--output", "xml");
  assertEquals([wrong.code, wrong.stdout], [2, ""]);
  assertMatch(wrong.stderr, /Allowed choices are table, json, jsonl/);
  const { code, stdout, stderr } = await demo("-f", "/nonexistent.yaml");
  assertEquals([code, stdout], [2, ""]);
  assertMatch(stderr, /^Cannot read "\/nonexistent.yaml"/);
});
