import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { newPacket } from "../../src/datapath/packet_builder.ts";
import { kernelTest } from "../ebpf-ts-loader/kernel.ts";
import { pcapFile, Pcapng, type PcapOptions, type PcapRecord, text } from "../pcap/_captures.ts";
import { type Finished, runCommand } from "./_command.ts";

const MAIN = new URL("../../src/main.ts", import.meta.url).pathname;
const SYN = newPacket().eth()
  .ipv4({ source: Uint8Array.of(10, 1, 0, 11), destination: Uint8Array.of(10, 1, 0, 10) })
  .tcp({ source: 40000, destination: 80, flags: ["SYN"] }).build();
const LLDP = newPacket().eth({ type: 0x88cc }).payload(text("lldp")).build();

/** Runs `twinpath replay` on a capture of these packets; `CAPTURE` stands for its name. */
function replay(
  records: readonly PcapRecord[],
  args: readonly string[],
  options: PcapOptions = {},
): Promise<Finished> {
  return replayFile(pcapFile(records, options), args);
}

async function replayFile(
  file: Uint8Array<ArrayBuffer>,
  args: readonly string[],
): Promise<Finished> {
  const path = await Deno.makeTempFile({ suffix: ".pcap" });
  await using _removal = { [Symbol.asyncDispose]: () => Deno.remove(path) };
  await Deno.writeFile(path, file);
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
      "          PACKETS                  EMULATOR  BYTES",
      "verdict   allowed                  1         54",
      "          dropped                  1         18",
      "reason    DROP_UNKNOWN_L3          1         18",
      "protocol  TCP                      1         54",
      "          ethertype 0x88cc         1         18",
      "counter   REASON_FORWARDED egress  1         54",
      "          DROP_UNKNOWN_L3 egress   1         18",
      "Differences: 0",
      "",
      "LPM map: 1 decisions looked up in Cilium's policy maps",
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
  const { differences, opinions, files } = JSON.parse(stdout);
  assertEquals([differences, files.length], [0, 2]);
  assertEquals(opinions, { emulator: 2, "lpm-map": 2 });
  const [, { datapaths, byDatapath }] = files;
  assertEquals(datapaths, ["emulator"]);
  const once = { packets: 1, bytes: 54 };
  assertEquals(byDatapath, {
    emulator: {
      verdicts: { allowed: once },
      reasons: {},
      counters: { "REASON_FORWARDED egress": once },
    },
  });
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

for (
  const [which, names] of [
    ["kernel", ["kernel"]],
    ["lpm", ["lpm"]],
    ["both", ["emulator", "kernel"]],
    ["all", ["emulator", "kernel", "lpm"]],
  ] as const
) {
  kernelTest(`twinpath replay --datapath ${which} tells what each of them did`, async () => {
    const args = ["CAPTURE", "--datapath", which, "-o", "json"];
    const { code, stdout } = await replay([{ data: SYN }, { data: LLDP }], args);
    const { opinions, files: [file] } = JSON.parse(stdout);
    assertEquals(file.datapaths, [...names]);
    assertEquals(Object.keys(opinions).sort(), [...names, "lpm-map"].sort());
    const { emulator, kernel, lpm } = file.byDatapath;
    const [first] = [emulator, kernel, lpm].filter((one) => one !== undefined);
    assertEquals(Object.keys(first.verdicts), ["allowed", "dropped"]);
    assertEquals(Object.values(file.byDatapath), names.map(() => first));
    assertEquals([code, file.differences], [0, 0]);
  });
}

/** What a capture that somebody else made is given, and what must come of it. */
interface FormatRow {
  readonly about: string;
  readonly file: Uint8Array<ArrayBuffer>;
  /** The capture's line on standard output, without its name. */
  readonly says?: string;
  /** The line on standard error. @default none */
  readonly tells?: string;
  readonly code: number;
}

/** `if_tsresol`: ticks of 10⁻⁹ seconds. */
const NANOSECONDS = [{ code: 9, value: Uint8Array.of(9) }];
const IP_ONLY = SYN.subarray(14);
const SYNS = pcapFile([{ data: SYN }, { data: SYN }]);
const NOT_CAPTURED = "expected pcap or pcapng";

const FORMATS: readonly FormatRow[] = [
  {
    about: "pcap of the other byte order",
    file: pcapFile([{ data: SYN }], { littleEndian: false }),
    says: "1 packets, 1 run by emulator",
    code: 0,
  },
  {
    about: "pcap with nanoseconds",
    file: pcapFile([{ data: SYN, ticks: 999_999_999 }], { magic: 0xa1b23c4d }),
    says: "1 packets, 1 run by emulator",
    code: 0,
  },
  {
    about: "packets of which the payload was not captured",
    file: pcapFile([{ data: SYN, original: 1500 }]),
    says: "1 packets, 1 run by emulator, 1 shortened to their headers",
    code: 0,
  },
  {
    about: "packets of which not even the headers were captured",
    file: pcapFile([{ data: SYN }, { data: SYN.subarray(0, 40), original: SYN.length }]),
    says: "2 packets, 1 run by emulator, 1 skipped",
    code: 0,
  },
  {
    about: "pcapng of two sections in two byte orders, with interfaces of several link types",
    file: Uint8Array.from([
      ...new Pcapng(true).section().interface(1, 0, NANOSECONDS).interface(101)
        .enhanced(SYN).enhanced(IP_ONLY, { device: 1 }).take(),
      ...new Pcapng(false).section().interface(105).interface(1)
        .enhanced(text("beacon")).enhanced(SYN, { device: 1 }).simple(text("beacon")).take(),
    ]),
    says: "5 packets, 3 run by emulator, 2 skipped",
    code: 0,
  },
  {
    about: "a pcap that ends within a packet",
    file: SYNS.slice(0, -20),
    says: "1 packets, 1 run by emulator",
    tells: 'Cannot read "CAPTURE": packet 2 is cut off after 34 bytes, expected 54 bytes',
    code: 2,
  },
  {
    about: "a pcap that ends within its header",
    file: SYNS.slice(0, 20),
    says: "0 packets, 0 run by emulator",
    tells: 'Cannot read "CAPTURE": 20 bytes, expected a file header of 24 bytes',
    code: 2,
  },
  {
    about: "a pcapng that ends within a block",
    file: new Pcapng().section().interface().enhanced(SYN).enhanced(SYN).take().slice(0, -12),
    says: "1 packets, 1 run by emulator",
    tells: 'Cannot read "CAPTURE": block 4: cut off after 76 bytes, expected 88',
    code: 2,
  },
  {
    about: "a file by gzip",
    file: Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3),
    says: "0 packets, 0 run by emulator",
    tells: `Cannot read "CAPTURE": compressed by gzip, ${NOT_CAPTURED}`,
    code: 2,
  },
  {
    about: "an empty file",
    file: new Uint8Array(),
    says: "0 packets, 0 run by emulator",
    tells: `Cannot read "CAPTURE": empty, ${NOT_CAPTURED}`,
    code: 2,
  },
];

for (const { about, file, says, tells, code } of FORMATS) {
  Deno.test(`twinpath replay takes ${about}`, async () => {
    const finished = await replayFile(file, EMULATOR);
    assertEquals(
      [finished.stderr.trimEnd(), finished.stdout.split("\n")[0], finished.code],
      [tells ?? "", `CAPTURE: ${says}`, code],
    );
  });
}

Deno.test("twinpath replay refuses a file that is too large, before it is read", async () => {
  const path = await Deno.makeTempFile({ suffix: ".pcap" });
  await using _removal = { [Symbol.asyncDispose]: () => Deno.remove(path) };
  await Deno.truncate(path, 3 * 2 ** 30); // a hole
  const { code, stdout, stderr } = await runCommand(["replay", path, "--datapath", "emulator"]);
  assertEquals(
    stderr,
    `Cannot read "${path}": 3221225472 bytes, expected at most 2 GiB (editcap -c makes parts)\n`,
  );
  assertEquals([code, stdout], [2, ""]);
});

/** Starts a replay and sends it a signal as soon as it has written something. */
async function stopReplay(signal: Deno.Signal, path: string) {
  const args = ["run", "-A", MAIN, "replay", path, "--datapath", "emulator", "-o", "jsonl"];
  await using child = new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "piped" })
    .spawn();
  const errors = new Response(child.stderr).text();
  const decoder = new TextDecoder();
  let written = "";
  for await (const chunk of child.stdout) {
    if (written === "") child.kill(signal);
    written += decoder.decode(chunk, { stream: true });
  }
  const { code } = await child.status;
  return { code, stderr: (await errors).replaceAll(path, "CAPTURE"), written };
}

/** More than is run before the signal arrives. */
const MANY = 200_000;

/** A capture of {@linkcode MANY} packets; removed when disposed of. */
async function mustWriteMany() {
  const path = await Deno.makeTempFile({ suffix: ".pcap" });
  const [header, record] = [SYNS.slice(0, 24), SYNS.slice(24, 24 + 16 + SYN.length)];
  const file = new Uint8Array(header.length + MANY * record.length);
  file.set(header);
  for (let i = 0; i < MANY; i++) file.set(record, header.length + i * record.length);
  await Deno.writeFile(path, file);
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path) };
}

for (const [signal, exit] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test(`twinpath replay tells of what it has run when ${signal} stops it`, async () => {
    await using capture = await mustWriteMany();
    const { code, stderr, written } = await stopReplay(signal, capture.path);
    assertEquals(stderr, `Stopped by ${signal} in "CAPTURE": only what ran is told of\n`);
    assertEquals(code, exit);
    const lines = written.trimEnd().split("\n").map((line) => JSON.parse(line));
    const { packets, run, byDatapath: { emulator } } = lines.pop();
    assertEquals(packets, lines.length);
    assertEquals(emulator.counters["REASON_FORWARDED egress"].packets, run);
    assertEquals(packets < MANY, true);
  });
}

Deno.test("twinpath replay ends without a word when nobody reads what it writes", async () => {
  await using capture = await mustWriteMany();
  const args = ["run", "-A", MAIN, "replay", capture.path, "--datapath", "emulator", "-o", "jsonl"];
  await using child = new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "piped" })
    .spawn();
  const errors = new Response(child.stderr).text();
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel();
  assertEquals([(await child.status).code, await errors], [141, ""]);
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
