import { assertEquals } from "@std/assert";
import { DatapathMemory } from "../../src/datapath/datapath_memory.ts";
import { readEmulatorWasm } from "../../src/datapath/emulator_file.ts";
import { counterCount, Coverage } from "../../src/fuzz/coverage.ts";

Deno.test("counterCount() is what the module has", async () => {
  const { wasm } = new DatapathMemory(await readEmulatorWasm());
  assertEquals(counterCount(), wasm.exports.coverageCount());
});

Deno.test("Coverage names what was missed, and what is out of reach", () => {
  const coverage = new Coverage();
  const { reached, missed, outOfReach } = coverage.report();
  assertEquals(reached, []);
  assertEquals(missed.includes("reason: DROP_POLICY"), true);
  assertEquals(missed.includes("conntrack: related icmp ipv4"), true);
  assertEquals(missed.includes("conntrack: related tcp ipv4"), false);
  assertEquals(missed.includes("collected: closed"), true);
  assertEquals(outOfReach.map(({ name }) => name), [
    "DROP_WRITE_ERROR",
    "DROP_CT_CREATE_FAILED",
    "DROP_FRAG_NOSUPPORT",
  ]);
});

Deno.test("Coverage adds up stretches", () => {
  const coverage = new Coverage();
  const counters = new Uint32Array(counterCount());
  counters[0] = 3;
  coverage.addCounters(counters);
  coverage.addCounters(counters);
  assertEquals(coverage.report().reached, [
    { group: "outcome", name: "from_container ok", packets: 6 },
  ]);
});
