import { assert, assertEquals, assertThrows } from "@std/assert";
import { loadCollection, type TestRunOptions } from "ebpf-ts-loader";
import { benchmarkProgram } from "../../../src/ebpf-ts-loader/object/benchmark_program.ts";
import { fixture } from "../fixtures.ts";
import { kernelTest, packet } from "../kernel.ts";

/** A program of which each run takes `duration` ns; records the slices. */
function program(duration: (slice: number) => number, slices: number[]) {
  return ({ repeat = 1 }: TestRunOptions) => {
    slices.push(repeat);
    const none = new Uint8Array(0);
    return { returnValue: slices.length, duration: duration(slices.length), data: none, ctx: none };
  };
}

Deno.test("benchmarkProgram() runs exactly as often as asked, in slices of 5 ms", () => {
  const slices: number[] = [];
  const result = benchmarkProgram(program(() => 100, slices), { repeat: 120_000 });
  assertEquals(slices, [1000, 50_000, 50_000, 19_000]);
  assertEquals(result, { nanoseconds: 100, repeat: 120_000, returnValue: 4 });
});

Deno.test("benchmarkProgram() weighs slices by their runs", () => {
  const result = benchmarkProgram(program((slice) => slice === 1 ? 400 : 100, []), {
    repeat: 4000,
  });
  assertEquals(result.nanoseconds, 175);
});

Deno.test("benchmarkProgram() takes programs too quick or too slow to slice", () => {
  const quick: number[] = [];
  benchmarkProgram(program(() => 0, quick), { repeat: 10_000 });
  assertEquals(quick, [1000, 9000]);
  const slow: number[] = [];
  benchmarkProgram(program(() => 1e9, slow), { repeat: 1003 });
  assertEquals(slow, [1000, 1, 1, 1]);
  assertThrows(() => benchmarkProgram(program(() => 1, []), { repeat: 0 }), RangeError, "0 runs");
});

kernelTest("BpfProgram.benchmark() measures a program", () => {
  using collection = loadCollection(fixture("tc.bpf.o"), { only: ["from_container"] });
  const data = packet(64);
  const { nanoseconds, repeat } = collection.program("from_container").benchmark({
    data,
    repeat: 20_000,
  });
  assertEquals(repeat, 20_000);
  assert(nanoseconds > 0);
  const counter = collection.map("counters").lookup(1);
  assertEquals(new DataView(counter?.buffer ?? new ArrayBuffer(8)).getUint32(0, true), 20_000);
});
