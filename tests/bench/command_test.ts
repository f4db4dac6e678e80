import { assertEquals } from "@std/assert";
import { runBenchCommand } from "../../bench/command.ts";
import { benchResult } from "../../bench/result.ts";

/** A command with one benchmark, of which at most 8 bytes are asked. */
function command(bytes: number) {
  const name = "emulator.memory.policy.64k";
  const baseline = { name: "baseline", value: 32 };
  const run = () => benchResult(name, bytes, baseline, "B");
  const suite = () => [{ name, about: "", requires: [], run }];
  return { task: "test", about: "", suite };
}

Deno.test("runBenchCommand() --assert exits with 1 where a figure is short of its goal", async () => {
  assertEquals(await runBenchCommand(command(9), ["--assert"]), 1);
  assertEquals(await runBenchCommand(command(8), ["--assert"]), 0);
  assertEquals(await runBenchCommand(command(9), []), 0);
});
