import { assertEquals, assertThrows } from "@std/assert";
import { benchResult, formatJson, resultTable, resultTableWithGoals } from "../../bench/result.ts";
import { formatMarkdown, formatText } from "../../bench/text_table.ts";

Deno.test("benchResult() gives a ratio above 1 to what is faster than its baseline", () => {
  assertEquals(benchResult("kernel.policy.1k", 20, { name: "LPM twin", value: 117.12345 }), {
    name: "kernel.policy.1k",
    value: 20,
    unit: "ns",
    baseline: { name: "LPM twin", value: 117.1 },
    ratio: 5.856,
  });
});

Deno.test("benchResult() refuses a time that is not above 0", () => {
  for (const time of [0, -1, NaN]) {
    const baseline = { name: "b", value: 1 };
    assertThrows(() => benchResult("x", time, baseline), RangeError, `Cannot measure "x": ${time}`);
  }
});

Deno.test("formatJson() is one array of results", () => {
  const result = benchResult("x", 2, { name: "b", value: 4 });
  assertEquals(JSON.parse(formatJson([result, result])), [result, result]);
  assertEquals(JSON.parse(formatJson([])), []);
});

Deno.test("formatText() aligns names left and numbers right", () => {
  const table = resultTable([
    benchResult("kernel.policy.96", 18, { name: "LPM twin", value: 79.5 }),
    benchResult("x", 1000, { name: "C", value: 500 }),
  ]);
  assertEquals(
    formatText(table),
    [
      "name                value  baseline             ratio",
      "kernel.policy.96    18 ns   79.5 ns  LPM twin  4.417×",
      "x                 1000 ns    500 ns  C           0.5×",
    ].join("\n"),
  );
});

Deno.test("resultTableWithGoals() has what is asked of a figure in its last column", () => {
  const table = resultTableWithGoals([
    benchResult("kernel.path.64k-512k", 300, { name: "LPM twin", value: 2400 }),
    benchResult("x", 1, { name: "C", value: 2 }),
  ]);
  assertEquals(
    formatMarkdown(table),
    [
      "| name | value | baseline |  | ratio | asked |",
      "| --- | --: | --: | --- | --: | --: |",
      "| kernel.path.64k-512k | 300 ns | 2400 ns | LPM twin | 8× | ≥ 6× |",
      "| x | 1 ns | 2 ns | C | 2× |  |",
    ].join("\n"),
  );
});
