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

tcxTest("runDemo() runs pods of one family, and leaves out pods without an address", async () => {
  const text = podText("a", "10.0.0.1") + podText("b", "10.0.0.2") + podText("c", "");
  const { results, notes } = await runDemo(await mustCompile(text));
  assertEquals(notes, ["c has no address: left out"]);
  assertEquals(summarize(results).mismatches, 0);
  assertEquals(new Set(results.map(({ family }) => family)), new Set([4]));
  assertEquals(new Set(results.map(({ source }) => source)), new Set(["default/a", "default/b"]));
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
      [podText("a", "10.0.0.1"), "1 pods with an address, expected 2 to 16"],
      [many.join(""), "17 pods with an address, expected 2 to 16"],
      [podText("a", "10.0.0.1") + podText("b", "10.0.0.1"), "held by default/a"],
    ] as const
  ) {
    const scenario = await mustCompile(text);
    await assertRejects(() => runDemo(scenario), DemoInputError, message);
  }
});
