import { assertEquals } from "@std/assert";
import { KernelDatapath } from "../../src/datapath/kernel.ts";
import { ROW_NODE, ROW_NODES } from "../../src/verify/row_node.ts";
import { runRows } from "../../src/verify/row_run.ts";
import { packetTables } from "../../src/verify/rows/packet_tables.ts";
import { drop, type PacketRow, type RowPacket } from "../../src/verify/rows/row.ts";
import { openComparison } from "../../src/verify/verify.ts";
import { kernelTest } from "../ebpf-ts-loader/kernel.ts";
import { mustOpenEmulator } from "./_scenario.ts";

const NO_RULES = { rulesOf: () => [] };
const tables = packetTables();

Deno.test("the packet table describes every row once", () => {
  const descriptions = tables.flatMap(({ rows }) => rows.map(({ description }) => description));
  assertEquals(descriptions.filter((d, i) => descriptions.indexOf(d) !== i), []);
});

for (const { node, rows } of tables) {
  Deno.test(`runRows() finds the emulator to do what the packet table says of the ${node} node`, async () => {
    const { memory, emulator } = await mustOpenEmulator();
    emulator.load(ROW_NODES[node]);
    const report = runRows(rows, openComparison(NO_RULES, memory, [emulator]));
    assertEquals(report.mismatches.map(described), []);
    assertEquals(report.rows, rows.length);
  });

  kernelTest(
    `runRows() finds both twins to do what the packet table says of the ${node} node`,
    async () => {
      const { memory, emulator } = await mustOpenEmulator();
      using kernel = new KernelDatapath(memory);
      emulator.load(ROW_NODES[node]);
      await kernel.load(ROW_NODES[node]);
      const report = runRows(rows, openComparison(NO_RULES, memory, [emulator, kernel]));
      assertEquals(report.mismatches.map(described), []);
    },
  );
}

function described(mismatch: ReturnType<typeof runRows>["mismatches"][number]): string {
  return `${mismatch.packet?.describe()}: ${mismatch.differences.join("; ")}`;
}

/** The first row, with another expectation of its first packet. */
function mustExpect(wrong: Partial<RowPacket>): PacketRow {
  const [row] = tables[0]?.rows ?? [];
  const [packet] = row?.packets ?? [];
  if (packet === undefined) throw new Error("Cannot find the first row");
  return { description: "wrong", packets: [{ ...packet, ...wrong }] };
}

const WRONG: readonly (readonly [Partial<RowPacket>, difference: string])[] = [
  [{ becomes: "deliver" }, "emulator: verdict ok, expected redirect"],
  [{ becomes: drop("POLICY") }, "emulator: verdict ok, expected drop"],
  [{ becomes: { proxy: 1 } }, "emulator: mark 0x0, expected 0x10200"],
  [{ tells: ["verdict"] }, "emulator: events none, expected verdict"],
];

for (const [wrong, difference] of WRONG) {
  Deno.test(`runRows() says: ${difference}`, async () => {
    const { memory, emulator } = await mustOpenEmulator();
    emulator.load(ROW_NODE);
    const report = runRows([mustExpect(wrong)], openComparison(NO_RULES, memory, [emulator]));
    assertEquals(report.mismatches.map(({ differences }) => differences[0]), [difference]);
  });
}
