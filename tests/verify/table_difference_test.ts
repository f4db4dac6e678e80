import { assertEquals, assertNotEquals } from "@std/assert";
import {
  tableDifferences,
  tableDigest,
  type TableDump,
  tablesOf,
} from "../../src/verify/table_difference.ts";
import { ROW_NODE } from "../../src/verify/row_node.ts";
import { rowBatches } from "../../src/verify/row_run.ts";
import { packetTables } from "../../src/verify/rows/packet_tables.ts";
import { mustOpenEmulator } from "./_scenario.ts";

/** A table with keys of 4 bytes and values of 8. */
function table(...entries: readonly (readonly [key: number, value: number])[]): TableDump {
  return {
    name: "some",
    keySize: 4,
    valueSize: 8,
    comparable: 3,
    keys: new Uint8Array(Uint32Array.from(entries.map(([key]) => key)).buffer),
    values: new Uint8Array(Float64Array.from(entries.map(([, value]) => value)).buffer),
  };
}

Deno.test("tableDigest() is the same in any order, and another for another entry", () => {
  const digest = tableDigest(table([1, 10], [2, 20]));
  assertEquals(tableDigest(table([2, 20], [1, 10])), digest);
  assertNotEquals(tableDigest(table([1, 20], [2, 10])), digest);
  assertNotEquals(tableDigest(table([1, 10])), digest);
});

Deno.test("tableDifferences() names entries that differ or are in one table only", () => {
  const differences = tableDifferences(
    ["a", table([1, 0], [2, 0], [3, 0])],
    ["b", table([4, 0], [3, 0], [2, 2])],
  );
  assertEquals(differences, [
    "some 01000000: a 0000000000000000, b absent",
    "some 02000000: a 0000000000000000, b 0000000000000040",
    "some 04000000: a absent, b 0000000000000000",
  ]);
});

Deno.test("tableDifferences() says nothing of tables that may have evicted entries", () => {
  assertEquals(
    tableDifferences(["a", table([1, 0], [2, 0], [3, 0], [4, 0])], ["b", table([1, 0])]),
    [],
  );
});

Deno.test("tablesOf() finds entries in every table once the packet table has run", async () => {
  const { memory, emulator } = await mustOpenEmulator();
  emulator.load(ROW_NODE);
  const input = memory.packetBatch();
  const [table] = packetTables();
  const [packets = []] = rowBatches(table?.rows ?? [], input.capacity);
  for (const packet of packets) input.add(packet);
  emulator.run(input, input);
  for (const { name, keys, keySize, values, valueSize, comparable } of tablesOf(emulator)) {
    const count = keys.length / keySize;
    assertEquals(values.length, count * valueSize, name);
    assertEquals(count > 0 && count < comparable, true, `${name}: ${count} entries`);
  }
});
