import { assertEquals, assertThrows } from "@std/assert";
import { KernelDatapath } from "../../src/datapath/kernel.ts";
import { PACKET_BATCH } from "../../src/datapath/layout.ts";
import { newPacket, type PacketBuilder } from "../../src/datapath/packet_builder.ts";
import { readCapture } from "../../src/pcap/capture.ts";
import { CaptureError } from "../../src/pcap/capture_error.ts";
import { builtInNode } from "../../src/replay/built_in_node.ts";
import { Replay, type ReplayOptions } from "../../src/replay/replay.ts";
import { nodeOfScenario, type ReplayNode } from "../../src/replay/replay_node.ts";
import { pcapFile, type PcapOptions, type PcapRecord, text } from "../pcap/_captures.ts";
import { kernelTest } from "../ebpf-ts-loader/kernel.ts";
import { mustMakeDeathStar, mustOpenEmulator } from "../verify/_scenario.ts";

const TIEFIGHTER = Uint8Array.of(10, 1, 0, 11);
const XWING = Uint8Array.of(10, 1, 0, 12);
const DEATHSTAR = Uint8Array.of(10, 1, 0, 10);
const WORLD = Uint8Array.of(198, 51, 100, 7);

const scenario = await mustMakeDeathStar();
const cluster = nodeOfScenario(scenario);
const { memory, emulator } = await mustOpenEmulator();

function syn(source: Uint8Array, destination: Uint8Array, port = 80): PacketBuilder {
  return newPacket().eth().ipv4({ source, destination })
    .tcp({ source: 40000, destination: port, flags: ["SYN"] });
}

/** `verdict reason at hook of endpoint`, by packet. */
function fates(
  records: readonly PcapRecord[],
  node: ReplayNode = cluster,
  options: ReplayOptions & PcapOptions = {},
): string[] {
  emulator.load(node.state);
  const { place, ...format } = options;
  const replay = new Replay(memory, [emulator]);
  const packets = replay.run(
    node,
    readCapture(pcapFile(records, format), "x.pcap"),
    place && { place },
  );
  return [...packets].map(({ result: { verdict, reason = "" }, entered }) =>
    `${verdict} ${reason} at ${entered?.hook} of ${entered?.endpoint}`.replace("  ", " ")
  );
}

for (
  const [about, packet, fate] of [
    [
      "what a rule allows",
      syn(TIEFIGHTER, DEATHSTAR),
      "allowed at from_container of default/tiefighter",
    ],
    [
      "what no rule allows",
      syn(XWING, DEATHSTAR),
      "dropped DROP_POLICY at from_container of default/xwing",
    ],
    [
      "what comes from elsewhere at the pod to which it goes",
      syn(WORLD, DEATHSTAR),
      "dropped DROP_POLICY at to_container of default/deathstar",
    ],
    [
      "a beacon from elsewhere",
      syn(WORLD, DEATHSTAR, 123),
      "allowed at to_container of default/deathstar",
    ],
    [
      "ARP of a pod",
      newPacket().eth().arp(),
      "skipped neither end is a pod of the node at undefined of undefined",
    ],
    [
      "a tag before a pod's packet",
      newPacket().eth().vlan(7).ipv4({ source: XWING, destination: WORLD }).payload(text("ab")),
      "dropped DROP_VLAN_FILTERED at from_container of default/xwing",
    ],
    [
      "what is of no pod",
      syn(WORLD, WORLD),
      "skipped neither end is a pod of the node at undefined of undefined",
    ],
  ] as const
) {
  Deno.test(`Replay: ${about}`, () => {
    assertEquals(fates([{ data: packet.build() }]), [fate]);
  });
}

Deno.test("Replay: MAC addresses of a pod have the first word", () => {
  const [pod] = cluster.state.endpoints;
  if (pod === undefined) throw new Error("Cannot find a pod");
  const { id, mac, nodeMac } = pod;
  const spoofed = newPacket().eth({ source: mac, destination: nodeMac })
    .ipv4({ source: WORLD, destination: WORLD }).payload(text("ab")).build();
  const received = newPacket().eth({ source: nodeMac, destination: mac })
    .ipv4({ source: WORLD, destination: WORLD }).payload(text("ab")).build();
  const name = cluster.nameOf(id);
  assertEquals(
    fates([{ data: spoofed }, { data: received }]).map((fate) => fate.split(" at ")[1]),
    [
      `from_container of ${name}`,
      `to_container of ${name}`,
    ],
  );
});

Deno.test("Replay: a place that is given goes before all addresses", () => {
  const place = { endpoint: 2, hook: "from_container" as const };
  assertEquals(fates([{ data: syn(WORLD, WORLD).build() }], cluster, { place }), [
    `dropped DROP_INVALID_SIP at from_container of ${cluster.nameOf(2)}`,
  ]);
});

Deno.test("Replay: frames cut off are run as far as they go, and what is no frame is not", () => {
  const frame = syn(TIEFIGHTER, DEATHSTAR).build();
  assertEquals(fates([{ data: frame.subarray(0, 13) }, { data: frame.subarray(0, 40) }]), [
    "skipped 13 bytes, expected at least an Ethernet header at undefined of undefined",
    "dropped DROP_INVALID at from_container of default/tiefighter",
  ]);
});

Deno.test("Replay: a packet without all its headers in the capture is left out", () => {
  const frame = syn(TIEFIGHTER, DEATHSTAR).build();
  const cut = frame.subarray(0, 50);
  assertEquals(fates([{ data: cut, original: frame.length }, { data: cut }]), [
    "skipped not all headers were captured at undefined of undefined",
    // On the wire it was no longer: so it is judged.
    "dropped DROP_INVALID at from_container of default/tiefighter",
  ]);
});

Deno.test("Replay: metrics are counted for each capture by itself", () => {
  emulator.load(cluster.state);
  const replay = new Replay(memory, [emulator]);
  const run = (count: number) => {
    const records = Array.from({ length: count }, () => ({ data: syn(XWING, DEATHSTAR).build() }));
    [...replay.run(cluster, readCapture(pcapFile(records), "x.pcap"))];
    return replay.counters;
  };
  const counters = (packets: number) => [{
    datapath: "emulator" as const,
    counts: {
      "REASON_FORWARDED egress": { packets, bytes: packets * 54 },
      "DROP_POLICY ingress": { packets, bytes: packets * 54 },
    },
  }];
  assertEquals([run(2), run(5)], [counters(2), counters(5)]);
  // At the sender's side one flow is decided about once in each capture, as far as events tell.
  assertEquals(replay.asked, { emulator: 7, "lpm-map": 9 });
});

Deno.test("Replay: a signal ends a capture before the next batch", () => {
  emulator.load(cluster.state);
  const replay = new Replay(memory, [emulator]);
  const records = Array.from({ length: 20_000 }, () => ({ data: syn(XWING, DEATHSTAR).build() }));
  const capture = readCapture(pcapFile(records), "x.pcap");
  const stop = new AbortController();
  let count = 0;
  for (const _packet of replay.run(cluster, capture, { signal: stop.signal })) {
    if (++count === 10) stop.abort();
  }
  assertEquals(count, PACKET_BATCH);
  assertEquals(replay.counters[0]?.counts["DROP_POLICY ingress"]?.packets, PACKET_BATCH);
});

Deno.test("Replay: of a packet that the capture has only in part, the headers are judged", () => {
  const frame = syn(TIEFIGHTER, DEATHSTAR).payload(new Uint8Array(900)).build();
  assertEquals(
    fates([
      { data: frame },
      { data: frame.subarray(0, 96), original: frame.length },
      { data: frame.subarray(0, 96) },
    ]),
    [
      "allowed at from_container of default/tiefighter",
      "allowed at from_container of default/tiefighter",
      "dropped DROP_INVALID at from_container of default/tiefighter",
    ],
  );
});

Deno.test("Replay: the capture's time is the programs' clock", () => {
  const query = newPacket().eth().ipv4({ source: DEATHSTAR, destination: WORLD })
    .udp({ source: 40000, destination: 53 }).build();
  const answer = newPacket().eth().ipv4({ source: WORLD, destination: DEATHSTAR })
    .udp({ source: 53, destination: 40000 }).build();
  const seconds = (first: number, last: number) => [
    { seconds: first, data: query },
    { seconds: last, data: answer },
  ];
  assertEquals([...fates(seconds(10, 60)), ...fates(seconds(10, 80))], [
    "allowed at from_container of default/deathstar",
    "allowed at to_container of default/deathstar",
    "allowed at from_container of default/deathstar",
    "dropped DROP_POLICY at to_container of default/deathstar",
  ]);
});

kernelTest(
  "Replay: a packet on which the datapaths differ is named, with both answers",
  async () => {
    using kernel = new KernelDatapath(memory);
    const lenient = {
      ...cluster.state,
      policies: builtInNode([]).state.policies,
      endpoints: cluster.state.endpoints.map((endpoint) => ({ ...endpoint, policy: 1 })),
    };
    await kernel.load(lenient);
    emulator.load(cluster.state);
    const replay = new Replay(memory, [emulator, kernel]);
    const records = [{ data: syn(TIEFIGHTER, DEATHSTAR).build() }, {
      data: syn(XWING, WORLD).build(),
    }];
    const packets = [...replay.run(cluster, readCapture(pcapFile(records), "x.pcap"))];
    assertEquals(packets.length, 2);
    const last = packets[1];
    assertEquals(last?.differences[0], "emulator and kernel: verdicts 2 and 0");
    assertEquals(Object.keys(last?.answers ?? {}), ["emulator", "kernel", "lpm-map"]);
    assertEquals(last?.results.map(({ verdict }) => verdict), ["dropped", "allowed"]);
    assertEquals(replay.tableDifferences.map(({ first, last }) => [first, last]), [[1, 2]]);
  },
);

Deno.test("Replay: every capture begins without flows", () => {
  emulator.load(cluster.state);
  const replay = new Replay(memory, [emulator]);
  const file = pcapFile([{ data: syn(TIEFIGHTER, DEATHSTAR).build() }]);
  const stateOf = () =>
    [...replay.run(cluster, readCapture(file, "x.pcap"))].map(({ result }) =>
      result.verdict === "skipped" ? "" : result.state
    );
  assertEquals([stateOf(), stateOf()], [["new"], ["new"]]);
});

Deno.test("Replay: rules behind a verdict are named", () => {
  emulator.load(cluster.state);
  const replay = new Replay(memory, [emulator]);
  const file = pcapFile([{ data: syn(TIEFIGHTER, DEATHSTAR).build() }]);
  const [packet] = replay.run(cluster, readCapture(file, "x.pcap"));
  const rules = packet && packet.result.verdict !== "skipped" ? packet.result.rules : [];
  assertEquals(rules?.map(({ name }) => name), ["deathstar-ingress"]);
});

Deno.test("Replay: what a damaged capture holds before the damage is run", () => {
  emulator.load(cluster.state);
  const replay = new Replay(memory, [emulator]);
  const records = [{ data: syn(TIEFIGHTER, DEATHSTAR).build() }, { data: text("a"), captured: 9 }];
  const seen: number[] = [];
  assertThrows(() => {
    for (const { number } of replay.run(cluster, readCapture(pcapFile(records), "x"))) {
      seen.push(number);
    }
  }, CaptureError);
  assertEquals(seen, [1]);
});

Deno.test("builtInNode() makes pods of those who send, and the first of them sends the rest", () => {
  const node = builtInNode(["10.1.0.11", "0.0.0.0", "224.0.0.1", "fd00::1"]);
  assertEquals(node.state.endpoints.map(({ id }) => node.nameOf(id)), ["10.1.0.11", "fd00::1"]);
  assertEquals(
    fates([
      { data: syn(TIEFIGHTER, DEATHSTAR).build() },
      { data: syn(WORLD, TIEFIGHTER).build() },
      { data: syn(WORLD, WORLD).build() },
      { data: newPacket().eth({ type: 0x88cc }).payload(text("lldp")).build() },
    ], node),
    [
      "allowed at from_container of 10.1.0.11",
      "allowed at to_container of 10.1.0.11",
      "dropped DROP_INVALID_SIP at from_container of 10.1.0.11",
      "dropped DROP_UNKNOWN_L3 at from_container of 10.1.0.11",
    ],
  );
});

Deno.test("builtInNode() has a pod without an address where nobody sends", () => {
  const node = builtInNode([]);
  assertEquals(fates([{ data: newPacket().eth().arp().build() }], node), [
    "allowed at from_container of pod-1",
  ]);
});
