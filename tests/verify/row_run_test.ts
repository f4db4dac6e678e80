import { assertEquals, assertNotEquals } from "@std/assert";
import { KernelDatapath } from "../../src/datapath/kernel.ts";
import { ROW_NODE } from "../../src/verify/row_node.ts";
import { runRows } from "../../src/verify/row_run.ts";
import { allRows } from "../../src/verify/rows/all_rows.ts";
import { openComparison } from "../../src/verify/verify.ts";
import { kernelTest } from "../ebpf-ts-loader/kernel.ts";
import { mustOpenEmulator } from "./_scenario.ts";

const NO_RULES = { rulesOf: () => [] };
const rows = allRows();

Deno.test("the packet table describes every row once", () => {
  const descriptions = rows.map(({ description }) => description);
  assertEquals(descriptions.filter((d, i) => descriptions.indexOf(d) !== i), []);
});

Deno.test("runRows() finds the emulator to do what the packet table says", async () => {
  const { memory, emulator } = await mustOpenEmulator();
  emulator.load(ROW_NODE);
  const report = runRows(rows, openComparison(NO_RULES, memory, [emulator]));
  assertEquals(report.mismatches.map(({ packet }) => packet?.describe()), []);
  assertEquals(report.rows, rows.length);
});

Deno.test("runRows() notices a packet that is treated otherwise than its row says", async () => {
  const { memory, emulator } = await mustOpenEmulator();
  emulator.load(ROW_NODE);
  const [row] = rows;
  const packets = row?.packets.map((p) => ({ ...p, becomes: { drop: 133 } })) ?? [];
  const wrong = [{ description: "wrong", packets }];
  const report = runRows(wrong, openComparison(NO_RULES, memory, [emulator]));
  assertNotEquals(report.mismatches, []);
});

kernelTest("runRows() finds emulator and kernel to do what the packet table says", async () => {
  const { memory, emulator } = await mustOpenEmulator();
  using kernel = new KernelDatapath(memory);
  emulator.load(ROW_NODE);
  await kernel.load(ROW_NODE);
  const report = runRows(rows, openComparison(NO_RULES, memory, [emulator, kernel]));
  assertEquals(report.mismatches.map(({ packet }) => packet?.describe()), []);
});
