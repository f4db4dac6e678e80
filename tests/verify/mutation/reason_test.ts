import { assertEquals } from "@std/assert";
import type { ProgramMutant } from "../../../src/verify/mutation/mutant.ts";
import { REASON_LINES, SurvivorReasons } from "../../../src/verify/mutation/reason.ts";

const BPF = new URL("../../../bpf/", import.meta.url);

function mustReadLines(): Set<string> {
  const lines = new Set<string>();
  for (const { name } of Deno.readDirSync(BPF)) {
    if (!/\.[ch]$/.test(name)) continue;
    const text = Deno.readTextFileSync(new URL(name, BPF));
    for (const line of text.split("\n")) lines.add(line.trim());
  }
  return lines;
}

function mutant(fields: Partial<ProgramMutant>): ProgramMutant {
  return {
    program: "from_container",
    function: "parse_packet",
    instruction: 0,
    offset: 0,
    kind: "immediate-1",
    line: "if (!own)",
    place: "",
    ...fields,
  };
}

Deno.test("reasons are about lines that the C sources have", () => {
  const lines = mustReadLines();
  assertEquals(REASON_LINES.filter((line) => !lines.has(line)), []);
});

Deno.test("SurvivorReasons gives a reason as often as it holds in a function", () => {
  const reasons = new SurvivorReasons();
  assertEquals(reasons.of(mutant({}))?.equivalent, true);
  assertEquals(reasons.of(mutant({})), undefined);
  assertEquals(reasons.of(mutant({ function: "to_container" }))?.equivalent, true);
});

Deno.test("SurvivorReasons has none for another kind of mutant or another line", () => {
  const reasons = new SurvivorReasons();
  assertEquals(reasons.of(mutant({ kind: "inverted" })), undefined);
  assertEquals(reasons.of(mutant({ line: "if (own)" })), undefined);
});
