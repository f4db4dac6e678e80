import { assertEquals } from "@std/assert";
import { GOALS, goalTable, isMet } from "../../bench/goal.ts";
import { netSuite } from "../../bench/netperf/suite.ts";
import { formatText } from "../../bench/text_table.ts";
import { benchResult } from "../../bench/result.ts";
import { scaleSuite } from "../../bench/scale/suite.ts";
import { suite } from "../../bench/suite.ts";

function path(ratio: number) {
  return benchResult("kernel.path.64k-512k", 100, { name: "LPM twin", value: 100 * ratio });
}

function memory(bytes: number) {
  const baseline = { name: "Cilium's key and value", value: 32 };
  return benchResult("emulator.memory.policy.64k", bytes, baseline, "B");
}

Deno.test("GOALS names benchmarks that there are", () => {
  const names = [...suite(), ...scaleSuite({ quick: false }), ...netSuite()].map(({ name }) =>
    name
  );
  assertEquals(Object.keys(GOALS).filter((name) => !names.includes(name)), []);
});

Deno.test("isMet() compares the ratio, or the figure itself", () => {
  assertEquals([path(6), path(5.99), memory(8), memory(8.1)].map(isMet), [
    true,
    false,
    true,
    false,
  ]);
  assertEquals(isMet(benchResult("x", 1, { name: "b", value: 1 })), undefined);
});

Deno.test("goalTable() has a row for each figure of which something is asked", () => {
  const table = goalTable([
    path(7.5),
    benchResult("x", 1, { name: "b", value: 1 }),
    memory(9),
  ]);
  assertEquals(
    formatText(table),
    [
      "name                        asked  measured",
      "kernel.path.64k-512k         ≥ 6×      7.5×  met",
      "emulator.memory.policy.64k  ≤ 8 B       9 B  NOT MET",
    ].join("\n"),
  );
  assertEquals(goalTable([]).rows, []);
});
