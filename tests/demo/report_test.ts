import { assertEquals } from "@std/assert";
import type { Decision } from "../../src/demo/decision.ts";
import type { PodNetwork } from "../../src/demo/topology.ts";
import { summarize, tableRows } from "../../src/demo/report.ts";
import { compareResult } from "../../src/demo/result.ts";
import type { Outcome } from "../../src/demo/traffic.ts";

const ALLOWED: Decision = {
  allowed: true,
  reason: "",
  direction: "ingress",
  policies: ["default/p"],
};
const DENIED: Decision = { allowed: false, reason: "policy", direction: "egress", policies: [] };

function pod(name: string): PodNetwork {
  // Only the name is looked at.
  return { name } as PodNetwork;
}

function result(outcome: Outcome, kernel?: Decision, emulator?: Decision, family: 4 | 6 = 4) {
  const probe = {
    source: pod("default/a"),
    destination: pod("other/b"),
    family,
    protocol: "TCP",
    port: 80,
  } as const;
  const error = outcome === "failed" ? "Cannot connect" : undefined;
  return compareResult({ probe, outcome, sport: 1, error }, kernel, emulator);
}

Deno.test("compareResult() wants outcome, kernel and emulator to agree", () => {
  const agreeing = [result("reached", ALLOWED, ALLOWED), result("denied", DENIED, DENIED)];
  assertEquals(agreeing.map(({ match }) => match), [true, true]);
  const differing = [
    result("reached", ALLOWED, DENIED),
    result("reached", DENIED, DENIED),
    result("denied", ALLOWED, ALLOWED),
    result("denied", DENIED, { ...DENIED, direction: "ingress" }),
    result("reached", ALLOWED, { ...ALLOWED, policies: [] }),
    result("reached", undefined, ALLOWED),
    result("reached", undefined, undefined),
    result("silent", DENIED, DENIED),
    result("failed", ALLOWED, ALLOWED),
  ];
  assertEquals(differing.map(({ match }) => match), differing.map(() => false));
});

Deno.test("summarize() counts", () => {
  const results = [
    result("reached", ALLOWED, ALLOWED),
    result("denied", DENIED, DENIED),
    result("denied", DENIED, ALLOWED),
    result("silent"),
  ];
  assertEquals(summarize(results), {
    kernel: "ran",
    probes: 4,
    reached: 1,
    denied: 2,
    mismatches: 2,
  });
});

Deno.test("tableRows() puts both families in a row, and every opinion where they differ", () => {
  const text = (results: Parameters<typeof tableRows>[0]) =>
    tableRows(results).map((row) => row.map((cell) => cell.text));
  assertEquals(
    text([result("reached", ALLOWED, ALLOWED), result("reached", ALLOWED, ALLOWED, 6)]),
    [["a", "other/b", "80/TCP", "reached", "reached", "= allowed by default/p"]],
  );
  assertEquals(text([result("failed", ALLOWED, DENIED)]), [[
    ...["a", "other/b", "80/TCP", "failed", "-"],
    "MISMATCH IPv4: failed (Cannot connect), kernel allowed by default/p, " +
    "emulator denied: policy (egress)",
  ]]);
});
