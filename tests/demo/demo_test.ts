import { assert, assertEquals, assertRejects } from "@std/assert";
import { readObjects } from "../../src/cluster/read_objects.ts";
import { DEATH_STAR } from "../../src/cluster/scenarios/death_star.ts";
import { DemoInputError, runDemo } from "../../src/demo/demo.ts";
import { summarize, tableRows } from "../../src/demo/report.ts";
import { makeScenario, type Scenario } from "../../src/verify/scenario.ts";
import { defaultEpoll } from "ebpf-ts-loader/sys";
import { withoutLeaks } from "../ebpf-ts-loader/fd_leaks.ts";
import { tcxTest } from "./tcx_test_case.ts";

function mustCompile(text: string): Promise<Scenario> {
  const manifests = [{ name: "test.yaml", text }];
  const { objects, errors } = readObjects(manifests);
  assertEquals(errors, []);
  return makeScenario(manifests, objects);
}

function podText(name: string, address: string): string {
  return `---
apiVersion: v1
kind: Pod
metadata: { name: ${name} }
status: { podIPs: [${address && `{ ip: "${address}" }`}] }
`;
}

tcxTest("runDemo() lets the Death Star's pods meet, as the emulator foresaw", async () => {
  defaultEpoll();
  const scenario = await mustCompile(DEATH_STAR.text);
  await withoutLeaks(async () => {
    const sentences: string[] = [];
    const { results, notes } = await runDemo(scenario, {
      onEvent: (sentence) => sentences.push(sentence),
    });
    assertEquals(notes, []);
    assertEquals(results.filter(({ match }) => !match), []);
    assertEquals(summarize(results), {
      kernel: "ran",
      probes: 120,
      reached: 76,
      denied: 44,
      mismatches: 0,
    });
    for (
      const sentence of [
        "tiefighter → deathstar:80/TCP allowed by default/deathstar-ingress",
        "tiefighter → deathstar:80/TCP allowed by default/deathstar-ingress (IPv6)",
        "tiefighter → deathstar:8080/UDP allowed by default/deathstar-ingress",
        "xwing ✗ deathstar:80/TCP denied: policy",
        "xwing ✗ deathstar:80/TCP denied: policy (IPv6)",
        "xwing ✗ tiefighter:8/ICMP denied: policy (egress)",
        "deathstar → xwing:128/ICMPv6 allowed: no policy (IPv6)",
      ]
    ) assert(sentences.includes(sentence), sentence);
    const row = tableRows(results).find(([from, to, port]) =>
      from?.text === "xwing" && to?.text === "deathstar" && port?.text === "80/TCP"
    );
    assertEquals(row?.map(({ text }) => text), [
      ...["xwing", "deathstar", "80/TCP", "denied", "denied"],
      "= denied: policy (ingress)",
    ]);
  });
});

tcxTest("runDemo() runs pods of one family, and gives addresses to pods without", async () => {
  const text = podText("a", "10.0.0.1") + podText("b", "") + podText("c", "");
  const { results, notes } = await runDemo(await mustCompile(text));
  assertEquals(notes, []);
  assertEquals(summarize(results).mismatches, 0);
  const familiesOf = (from: string, to: string) =>
    new Set(
      results.filter(({ source, destination }) => source === from && destination === to)
        .map(({ family }) => family),
    );
  assertEquals(familiesOf("default/a", "default/b"), new Set([4]));
  assertEquals(familiesOf("default/c", "default/b"), new Set([4, 6]));
});

const REDIRECTS = `---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: http }
spec:
  endpointSelector: {}
  ingress:
    - toPorts:
        - ports: [{ port: "80", protocol: TCP }]
          rules: { http: [{ method: GET }] }
        - ports: [{ port: "81", protocol: TCP }]
  egressDeny:
    - toCIDR: [192.0.2.0/24]
  enableDefaultDeny: { egress: false }
`;

tcxTest("runDemo() foresees that what a proxy should read is dropped without one", async () => {
  const text = podText("a", "10.0.0.1") + podText("b", "10.0.0.2") + REDIRECTS;
  const { results, notes } = await runDemo(await mustCompile(text));
  assertEquals(notes, [
    "not shown, as there are only pods: addresses outside of the cluster, requests above the " +
    "transport (no proxy listens) (twinpath verify tries them)",
  ]);
  assertEquals(results.filter(({ match }) => !match), []);
  const outcomes = results.filter(({ protocol, port }) => protocol === "TCP" && port <= 81)
    .map(({ source, port, outcome, kernel }) => [source, port, outcome, kernel?.reason]);
  assertEquals(outcomes, [
    ["default/a", 80, "denied", "proxy lookup failed"],
    ["default/a", 81, "reached", ""],
    ["default/b", 80, "denied", "proxy lookup failed"],
    ["default/b", 81, "reached", ""],
  ]);
});

tcxTest("runDemo() ends with its signal and closes everything", async () => {
  const scenario = await mustCompile(DEATH_STAR.text);
  await withoutLeaks(async () => {
    const controller = new AbortController();
    const onEvent = () => controller.abort(new Error("enough"));
    await assertRejects(
      () => runDemo(scenario, { onEvent, signal: controller.signal }),
      Error,
      "enough",
    );
  });
});

Deno.test("runDemo() refuses clusters that it cannot show", async () => {
  const many = Array.from(
    { length: 17 },
    (_, index) => podText(`p${index}`, `10.0.0.${index + 1}`),
  );
  for (
    const [text, message] of [
      [podText("a", "10.0.0.1"), "1 pods, expected 2 to 16"],
      [many.join(""), "17 pods, expected 2 to 16"],
      [podText("a", "10.0.0.1") + podText("b", "10.0.0.1"), "held by default/a"],
    ] as const
  ) {
    const scenario = await mustCompile(text);
    await assertRejects(() => runDemo(scenario), DemoInputError, message);
  }
});
