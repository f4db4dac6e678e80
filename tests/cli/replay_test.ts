import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { newPacket } from "../../src/datapath/packet_builder.ts";
import { pcapFile, type PcapOptions, type PcapRecord, text } from "../pcap/_captures.ts";
import { type Finished, runCommand } from "./_command.ts";

const SYN = newPacket().eth()
  .ipv4({ source: Uint8Array.of(10, 1, 0, 11), destination: Uint8Array.of(10, 1, 0, 10) })
  .tcp({ source: 40000, destination: 80, flags: ["SYN"] }).build();
const LLDP = newPacket().eth({ type: 0x88cc }).payload(text("lldp")).build();

/** Runs `twinpath replay` on a capture of these packets; `CAPTURE` stands for its name. */
async function replay(
  records: readonly PcapRecord[],
  args: readonly string[],
  options: PcapOptions = {},
): Promise<Finished> {
  const path = await Deno.makeTempFile({ suffix: ".pcap" });
  await using _removal = { [Symbol.asyncDispose]: () => Deno.remove(path) };
  await Deno.writeFile(path, pcapFile(records, options));
  const finished = await runCommand(["replay", ...args.map((a) => a.replace("CAPTURE", path))]);
  const shown = (output: string) => output.replaceAll(path, "CAPTURE");
  return { ...finished, stdout: shown(finished.stdout), stderr: shown(finished.stderr) };
}

const EMULATOR = ["CAPTURE", "--datapath", "emulator"];

Deno.test("twinpath replay counts by verdict, reason and protocol", async () => {
  const { code, stdout } = await replay([{ data: SYN }, { data: LLDP }], EMULATOR);
  assertEquals(
    stdout.trimEnd().split("\n"),
    [
      "CAPTURE: 2 packets, 2 run by emulator",
      "                            PACKETS  BYTES",
      "verdict   allowed           1        54",
      "          dropped           1        18",
      "reason    DROP_UNKNOWN_L3   1        18",
      "protocol  TCP               1        54",
      "          ethertype 0x88cc  1        18",
    ],
  );
  assertEquals(code, 0);
});

Deno.test("twinpath replay -o jsonl has a line for each packet, and one for the capture", async () => {
  const records = [{ seconds: 5, ticks: 7, data: SYN }];
  const { code, stdout } = await replay(records, [...EMULATOR, "-o", "jsonl"]);
  const [packet, capture] = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(packet, {
    file: "CAPTURE",
    packet: 1,
    time: "5.000007000",
    length: 54,
    endpoint: "10.1.0.11",
    hook: "from_container",
    protocol: "TCP",
    source: "10.1.0.11",
    destination: "10.1.0.10",
    sport: 40000,
    dport: 80,
    verdict: "allowed",
    state: "new",
  });
  assertEquals([capture.packets, capture.verdicts.allowed.packets, capture.differences], [1, 1, 0]);
  assertEquals(code, 0);
});

Deno.test("twinpath replay -o json has all captures in one document", async () => {
  const { stdout } = await replay([{ data: SYN }], [...EMULATOR, "CAPTURE", "-o", "json"]);
  const { differences, files } = JSON.parse(stdout);
  assertEquals([differences, files.length], [0, 2]);
  assertEquals(files[1].datapaths, ["emulator"]);
});

Deno.test("twinpath replay tells of damage, runs what is before it and exits 2", async () => {
  const records = [{ data: SYN }, { data: text("abc"), captured: 0xfffffff0 }];
  const { code, stdout, stderr } = await replay(records, EMULATOR);
  assertEquals(
    stderr.trimEnd(),
    'Cannot read "CAPTURE": packet 2 has 4294967280 bytes, expected at most 262144',
  );
  assertStringIncludes(stdout, "CAPTURE: 1 packets, 1 run by emulator");
  assertEquals(code, 2);
});

Deno.test("twinpath replay goes on with the next capture where one is missing", async () => {
  const { code, stdout, stderr } = await replay([{ data: SYN }], ["/nowhere/x.pcap", ...EMULATOR]);
  assertStringIncludes(stderr, 'Cannot read "/nowhere/x.pcap": No such file or directory');
  assertStringIncludes(stdout, "CAPTURE: 1 packets, 1 run by emulator");
  assertEquals(code, 2);
});

Deno.test("twinpath replay refuses a link type by its name", async () => {
  const { code, stderr } = await replay([{ data: SYN }], EMULATOR, { linkType: 105 });
  assertEquals(
    stderr.trimEnd(),
    'Cannot read "CAPTURE": packets of link type 105 (IEEE802_11), ' +
      "expected Ethernet, Linux cooked, raw IP or loopback",
  );
  assertEquals(code, 2);
});

const CLUSTER = `
{ apiVersion: v1, kind: Pod, metadata: { name: a }, status: { podIP: 10.1.0.11 } }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: misspelt }
spec: { podSelector: {}, egres: [] }
`;

Deno.test("twinpath replay tells of what is refused of a cluster, uses the rest and exits 2", async () => {
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  await using _removal = { [Symbol.asyncDispose]: () => Deno.remove(path) };
  await Deno.writeTextFile(path, CLUSTER);
  const { code, stdout, stderr } = await replay([{ data: SYN }], [...EMULATOR, "-f", path]);
  assertMatch(stderr, /^Cannot read NetworkPolicy "default\/misspelt": spec\.egres .*\n$/);
  assertMatch(stdout, /^verdict +allowed +1/m);
  assertEquals(code, 2);
});

for (
  const [about, args, message] of [
    [
      "a file that is not there",
      ["/nowhere/x.pcap", "--datapath", "emulator"],
      'Cannot read "/nowhere/x.pcap": No such file or directory',
    ],
    [
      "a pod without a cluster",
      [...EMULATOR, "--from", "xwing"],
      'Cannot enter at "xwing": no pod of a cluster, expected -f as well',
    ],
    ["no capture at all", ["-f", "x.pcap"], 'Cannot replay "nothing": no capture, expected'],
    [
      "both ends at once",
      [...EMULATOR, "--from", "a", "--to", "b"],
      "error: option '--from <pod>' cannot be used with option '--to <pod>'",
    ],
  ] as const
) {
  Deno.test(`twinpath replay refuses ${about}`, async () => {
    const { code, stdout, stderr } = await replay([], args);
    assertStringIncludes(stderr, message);
    assertEquals([code, stdout], [2, ""]);
  });
}
