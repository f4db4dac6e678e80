import { assertEquals } from "@std/assert";
import { readObjects } from "../../src/cluster/read_objects.ts";
import { DEATH_STAR } from "../../src/cluster/scenarios/death_star.ts";
import { DatapathMemory } from "../../src/datapath/datapath_memory.ts";
import { Emulator } from "../../src/datapath/emulator.ts";
import { readEmulatorWasm } from "../../src/datapath/emulator_file.ts";
import { formatDecision } from "../../src/demo/decision.ts";
import { predict, predictedFlow } from "../../src/demo/prediction.ts";
import { planProbes } from "../../src/demo/probe.ts";
import type { PodNetwork } from "../../src/demo/topology.ts";
import { makeScenario, type Scenario } from "../../src/verify/scenario.ts";

/** The scenario's pods without namespaces: prediction needs none. */
function pods({ node, snapshot }: Scenario): PodNetwork[] {
  return node.endpoints.map((endpoint) => {
    const name = snapshot.endpoints.find(({ id }) => id === endpoint.id)?.name ?? "";
    const addresses = { 4: endpoint.ipv4, 6: endpoint.ipv6 };
    return { ...endpoint, name, addresses } as unknown as PodNetwork;
  });
}

Deno.test("predict() has the emulator judge the first packet of every probe", async () => {
  const scenario = await makeScenario([DEATH_STAR], readObjects([DEATH_STAR]).objects);
  const memory = new DatapathMemory(await readEmulatorWasm());
  using emulator = new Emulator(memory);
  emulator.load(scenario.node);
  const probes = planProbes(pods(scenario), [
    { protocol: "TCP", port: 80 },
    { protocol: "ICMP", port: 0 },
  ]);
  // Smaller than the probes: several batches.
  const batch = memory.packetBatch(5);
  const decisions = predict(probes, { datapath: emulator, batch, names: scenario });
  const toDeathstar = probes.filter(({ destination, family }) =>
    destination.name === "deathstar" && family === 6
  );
  assertEquals(
    toDeathstar.map((probe) =>
      `${probe.source.name} ${probe.protocol}: ${
        formatDecision(decisions.of(predictedFlow(probe)))
      }`
    ),
    [
      "tiefighter TCP: allowed by default/deathstar-ingress",
      "tiefighter ICMP: denied: policy (ingress)",
      "xwing TCP: denied: policy (ingress)",
      "xwing ICMP: denied: policy (egress)",
    ],
  );
  assertEquals(probes.filter((probe) => !decisions.of(predictedFlow(probe))), []);
});
