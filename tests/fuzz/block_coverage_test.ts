import { assertEquals } from "@std/assert";
import type { CodeBlock } from "ebpf-ts-loader";
import { blockReport, datapathBlockReport, mergedHits } from "../../src/fuzz/block_coverage.ts";

function block(fields: Partial<CodeBlock> & { readonly text?: string }): CodeBlock {
  const { text = "return 0;", ...rest } = fields;
  const line = text === "return 0;" ? 7 : 8;
  return {
    program: "from_container",
    function: "parse_packet",
    instruction: 0,
    source: { file: "./parse.h", line, text },
    counter: 0,
    ...rest,
  };
}

const MISSED = {
  program: "from_container",
  function: "parse_packet",
  place: "parse.h:7",
  line: "return 0;",
};

Deno.test("blockReport() counts by program and names what was not reached by line", () => {
  const { programs, missed, outOfReach } = blockReport(
    [
      block({ counter: 0 }),
      block({ counter: 1, instruction: 5 }),
      block({ counter: 2, instruction: 9 }),
      block({ counter: undefined, instruction: 12 }),
      block({ counter: 3, program: "to_container" }),
    ],
    Uint8Array.of(1, 0, 0, 1),
    [],
  );
  assertEquals(programs, [
    { program: "from_container", blocks: 4, reached: 1, outOfReach: 0, notInstrumented: 1 },
    { program: "to_container", blocks: 1, reached: 1, outOfReach: 0, notInstrumented: 0 },
  ]);
  assertEquals(missed, [{ ...MISSED, blocks: 2 }]);
  assertEquals(outOfReach, []);
});

Deno.test("blockReport() gives a reason to as many blocks of a line as it holds for", () => {
  const { missed, outOfReach } = blockReport(
    [block({ counter: 0 }), block({ counter: 1 }), block({ counter: 2, text: "return 1;" })],
    new Uint8Array(3),
    [{ text: "never", lines: ["return 0;"], programs: ["from_container"] }],
  );
  assertEquals(outOfReach, [{ ...MISSED, blocks: 1, why: "never" }]);
  assertEquals(missed, [
    { ...MISSED, blocks: 1 },
    { ...MISSED, place: "parse.h:8", line: "return 1;", blocks: 1 },
  ]);
});

Deno.test("blockReport() names reasons of lines that are reached, or that no program has", () => {
  const row = { text: "never", lines: ["return 0;", "gone();"] };
  const { staleReasons } = blockReport([block({})], Uint8Array.of(1), [row]);
  const stale = { program: "from_container", why: "never" };
  assertEquals(staleReasons, [
    { ...stale, line: "return 0;", state: "reached" },
    { ...stale, line: "gone();", state: "no such block" },
  ]);
  assertEquals(blockReport([block({})], Uint8Array.of(0), [{ ...row, lines: ["return 0;"] }]), {
    programs: [
      { program: "from_container", blocks: 1, reached: 0, outOfReach: 1, notInstrumented: 0 },
    ],
    missed: [],
    outOfReach: [{ ...MISSED, blocks: 1, why: "never" }],
    staleReasons: [],
  });
});

Deno.test("datapathBlockReport() knows the blocks of all three programs, and bears out its reasons", () => {
  const { programs, staleReasons } = datapathBlockReport(new Uint8Array(0));
  assertEquals(programs.map(({ program }) => program), [
    "from_container",
    "policy_ingress",
    "to_container",
  ]);
  for (const { blocks, reached, notInstrumented } of programs) {
    assertEquals([blocks > 100, reached, notInstrumented], [true, 0, 0]);
  }
  assertEquals(staleReasons, []);
});

Deno.test("mergedHits() has what any run has reached", () => {
  assertEquals(mergedHits([]), undefined);
  assertEquals(mergedHits([undefined]), undefined);
  assertEquals(
    mergedHits([Uint8Array.of(1, 0, 0), undefined, Uint8Array.of(0, 0, 1)]),
    Uint8Array.of(1, 0, 1),
  );
});
