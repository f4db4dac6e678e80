import { assertEquals, assertRejects } from "@std/assert";
import { parseIpAddress } from "../../src/cluster/ip_address.ts";
import { type PodAddresses, Topology } from "../../src/demo/topology.ts";
import { planProbes, type ProbeTarget } from "../../src/demo/probe.ts";
import { type ProbeResult, runTraffic } from "../../src/demo/traffic.ts";
import { defaultEpoll } from "ebpf-ts-loader/sys";
import { netnsTest } from "../ebpf-ts-loader/netns_test_case.ts";
import { withoutLeaks } from "../ebpf-ts-loader/fd_leaks.ts";

const PODS: readonly PodAddresses[] = [
  pod(1, "deathstar", "10.1.0.10", "fd00:10:1::10"),
  pod(2, "tiefighter", "10.1.0.11", "fd00:10:1::11"),
  pod(3, "xwing", "10.1.0.12"),
];
const TARGETS: readonly ProbeTarget[] = [
  { protocol: "TCP", port: 80 },
  { protocol: "UDP", port: 123 },
  { protocol: "ICMP", port: 0 },
];

function pod(id: number, name: string, ...addresses: string[]): PodAddresses {
  return { id, namespace: "default", name, addresses: addresses.map(parseIpAddress) };
}

function shown({ probe, outcome, error }: ProbeResult): string {
  const { source, destination, family, protocol, port } = probe;
  return `${source.name} → ${destination.name}:${port}/${protocol} IPv${family} ${outcome}` +
    (error ? `: ${error}` : "");
}

netnsTest("planProbes() pairs all pods in the families that both have", () => {
  using topology = Topology.create(PODS);
  const probes = planProbes(topology.pods, TARGETS);
  // 6 ordered pairs over IPv4, 2 over IPv6.
  assertEquals(probes.length, (6 + 2) * TARGETS.length);
});

netnsTest("runTraffic() reaches every pod of a topology without policy", async () => {
  defaultEpoll();
  await withoutLeaks(async () => {
    using topology = Topology.create(PODS);
    const probes = planProbes(topology.pods, TARGETS);
    const started: number[] = [];
    const results = await runTraffic(probes, { onStart: (_, sport) => started.push(sport) });
    assertEquals(results.filter(({ outcome }) => outcome !== "reached").map(shown), []);
    assertEquals(results.map(({ probe }) => probe), probes);
    assertEquals(results.map(({ sport }) => sport), started);
  });
});

netnsTest("runTraffic() calls a probe denied only if it was seen to be dropped", async () => {
  using topology = Topology.create(PODS);
  topology.node.writeSysctl("ipv4/ip_forward", "0");
  const [first, second] = planProbes(topology.pods, [{ protocol: "UDP", port: 9 }])
    .filter(({ family }) => family === 4);
  const probes = [first, second].filter((probe) => probe !== undefined);
  const results = await runTraffic(probes, {
    dropped: (probe) => probe === first,
    limit: 600,
  });
  assertEquals(results.map(({ outcome }) => outcome), ["denied", "silent"]);
});

netnsTest("runTraffic() ends with its signal", async () => {
  await withoutLeaks(async () => {
    using topology = Topology.create(PODS);
    topology.node.writeSysctl("ipv4/ip_forward", "0");
    const controller = new AbortController();
    const probes = planProbes(topology.pods, TARGETS);
    const running = runTraffic(probes, { signal: controller.signal });
    controller.abort(new Error("enough"));
    await assertRejects(() => running, Error, "enough");
  });
});
