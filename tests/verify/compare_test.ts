import { assertEquals, assertMatch } from "@std/assert";
import { ROW_NODE } from "../../src/verify/row_node.ts";
import { rowBatches } from "../../src/verify/row_run.ts";
import { packetTables } from "../../src/verify/rows/packet_tables.ts";
import { openComparison } from "../../src/verify/verify.ts";
import { mustOpenEmulator } from "./_scenario.ts";

Deno.test("Comparison.collect() notices that a datapath deletes other flows", async () => {
  const { memory, emulator } = await mustOpenEmulator();
  emulator.load(ROW_NODE);
  // Whoever comes second finds that the first has deleted them.
  const comparison = openComparison({ rulesOf: () => [] }, memory, [emulator, emulator]);
  const [table] = packetTables();
  const [packets = []] = rowBatches(table?.rows ?? [], comparison.capacity);
  comparison.run(packets);
  assertEquals(comparison.collect(0), []);
  const [mismatch] = comparison.collect(0xffff_ffff);
  assertMatch(
    mismatch?.differences.join("\n") ?? "",
    /^expired at 4294967295: emulator [1-9]\d* unanswered, [1-9]\d* closed, [1-9]\d* idle, emulator 0 unanswered, 0 closed, 0 idle$/,
  );
});
