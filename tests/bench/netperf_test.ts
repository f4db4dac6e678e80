import { assert, assertEquals } from "@std/assert";
import { openSocket, type Socket } from "ebpf-ts-loader/sys";
import { Contender, type ContenderSpec } from "../../bench/netperf/contender.ts";
import { CONTENDERS } from "../../bench/netperf/contenders.ts";
import { NET_FIGURES } from "../../bench/netperf/figures.ts";
import {
  percentileOf,
  perUnit,
  summarize,
  takeTurns,
  TrafficThreads,
} from "../../bench/netperf/measure_net.ts";
import { netSvg } from "../../bench/netperf/net_plot.ts";
import { netRows, netTable } from "../../bench/netperf/report.ts";
import { nftRuleset } from "../../bench/netperf/nft_ruleset.ts";
import { PeerPolicy, TEST_PORT } from "../../bench/netperf/peer_policy.ts";
import { NFT } from "../../bench/netperf/requirements.ts";
import { netSuite } from "../../bench/netperf/suite.ts";
import type { BenchResult } from "../../bench/result.ts";
import { Progress } from "../../bench/progress.ts";
import { tcxTest } from "../demo/tcx_test_case.ts";

const ENTRIES = 64;

Deno.test("PeerPolicy has as many entries as it was asked for, in both directions", () => {
  const policy = new PeerPolicy(1024);
  const { entries } = policy.policyState(1).mapState;
  assertEquals(entries.length, 1024);
  assertEquals(entries.filter(({ direction }) => direction === "egress").length, 512);
  assertEquals(policy.identities.length, policy.ipcache.length);
});

Deno.test("PeerPolicy names each peer, protocol and port once", () => {
  const keys = new PeerPolicy(16_384).rules.map(({ address, protocol, port }) =>
    `${address} ${protocol} ${port}`
  );
  assertEquals(new Set(keys).size, keys.length);
});

Deno.test("nftRuleset() allows what the policy allows", () => {
  const { rules } = new PeerPolicy(16);
  const text = nftRuleset(rules, ["lxc1"]);
  assertEquals(text.match(/ : accept/g)?.length, 8);
  assertEquals(text.match(/ : return/g)?.length, 8);
  assert(text.includes(`10.199.0.1 . tcp . ${TEST_PORT.TCP} : accept`));
});

Deno.test("percentileOf() and perUnit() read a pass", () => {
  const transactions = { kind: "transactions", over: "tcp", count: 100 } as const;
  const times = Float64Array.from({ length: 100 }, (_, i) => 99 - i);
  assertEquals([50, 99].map((percent) => percentileOf(percent)(times, transactions)), [50, 99]);
  const pass = Float64Array.of(1280);
  assertEquals(perUnit(pass, { kind: "stream", over: "tcp", count: 1 }), 20);
  assertEquals(perUnit(pass, { kind: "datagrams", over: "udp", count: 10 }), 128);
});

Deno.test("summarize() has the median of the passes and their quartiles", () => {
  const passes = [70, 10, 30, 9000, 20].map((time) => Float64Array.of(time));
  assertEquals(summarize(passes, perUnit, { kind: "datagrams", over: "udp", count: 10 }), {
    value: 3,
    quartiles: [2, 7],
  });
});

/** 64 Gbit/s over no program, from 32 to 128, and half of it with the programs. */
const STREAM: BenchResult = {
  name: "net.tcp_stream.none",
  value: 256,
  unit: "ns",
  baseline: { name: "no program", value: 128, quartiles: [64, 256] },
  ratio: 0.5,
  quartiles: [256, 512],
};

Deno.test("netTable() has figures in their units, and room for what was not measured", () => {
  const { titles, rows } = netTable([STREAM]);
  assertEquals(titles.slice(2), CONTENDERS.map(({ label }) => label));
  assertEquals(rows, [
    ["TCP stream", "Gbit/s", "64 (32–128)", "", "", "32 (16–32)", ""],
  ]);
  assertEquals(netTable([]).rows, []);
});

Deno.test("netRows() finds every figure of a whole run", () => {
  const results = netSuite().map(({ name }) => ({ ...STREAM, name }));
  const rows = netRows(results);
  assertEquals(rows.map(({ figure }) => figure.name), NET_FIGURES.map(({ name }) => name));
  assert(rows.every(({ cells }) => cells.length === CONTENDERS.length));
});

Deno.test("netSvg() has a bar for each contender that was measured", () => {
  const svg = netSvg([STREAM]);
  assertEquals(svg.match(/<rect x="130"/g)?.length, 2);
  assert(svg.includes("TCP stream, Gbit/s (more is better)"));
});

Deno.test("netSuite() names every figure once", () => {
  const names = netSuite().map(({ name }) => name);
  assertEquals(new Set(names).size, names.length);
});

/** A socket of the server's to which the client has sent what the policy does not allow. */
function forbidden({ topology }: Contender, sockets: DisposableStack): Socket {
  const [client, server] = topology.pods;
  const address = server?.addresses[4];
  if (!client || !server || !address) throw new Error("Cannot find the pods");
  const sender = sockets.use(openSocket(4, "udp", { netns: client.netns }));
  const receiver = sockets.use(openSocket(4, "udp", { netns: server.netns }));
  receiver.bind({ address, port: FORBIDDEN });
  sender.sendTo(Uint8Array.of(1), { address, port: FORBIDDEN });
  return receiver;
}

const FORBIDDEN = 9;

const nftMissing = NFT.missing();

for (
  const spec of [
    { kind: "none" },
    { kind: "twinpath", entries: ENTRIES },
    { kind: "nftables", entries: ENTRIES },
  ] as const satisfies readonly ContenderSpec[]
) {
  const ignored = spec.kind === "nftables" && nftMissing !== undefined;
  const test = ignored
    ? (name: string, fn: () => Promise<void>) =>
      Deno.test({ name: `${name} (skipped: ${nftMissing})`, ignore: true, fn })
    : tcxTest;
  test(`Contender ${spec.kind} lets through what its policy allows, and measures`, async () => {
    using contender = await Contender.create(spec);
    using sockets = new DisposableStack();
    const receiver = forbidden(contender, sockets);
    using threads = new TrafficThreads();
    for (
      const [kind, over] of [
        ["transactions", "tcp"],
        ["transactions", "udp"],
        ["stream", "tcp"],
        ["datagrams", "udp"],
        ["flows", "flows"],
      ] as const
    ) {
      const traffic = { kind, over, count: 100 };
      const options = { rounds: 2, progress: new Progress(), name: kind };
      const [measured] = await takeTurns(threads, [contender], traffic, options);
      assertEquals(
        measured?.map(({ length }) => length),
        kind === "transactions" ? [100, 100] : [1, 1],
      );
      assert(measured?.flatMap((pass) => [...pass]).every((time) => time > 0));
    }
    // All of the above was sent later and has arrived.
    assertEquals(receiver.tryReceive() !== undefined, spec.kind === "none");
  });
}
