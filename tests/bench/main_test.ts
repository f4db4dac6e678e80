import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import type { BenchResult } from "../../bench/result.ts";

const MAIN = fileURLToPath(new URL("../../bench/main.ts", import.meta.url));

async function bench(...args: string[]) {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN, ...args],
    env: { TWINPATH_REQUIRE_KERNEL: "" },
  });
  const { code, stdout, stderr } = await command.output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out: out ?? "", err: err ?? "" };
}

Deno.test("bench -o json prints one array and nothing else", async () => {
  const { code, out } = await bench("-o", "json", "--quick", "--filter", "/policy.96$/");

  const results: BenchResult[] = JSON.parse(out);
  assertEquals(code, 0);
  // Fewer where kernel or compiler is missing; stderr says so then.
  for (const result of results) {
    assertEquals(Object.keys(result), ["name", "value", "unit", "baseline", "ratio"]);
    assertEquals(result.unit, "ns");
  }
});

Deno.test("bench reports what it skips on stderr, not among the results", async () => {
  const { code, out, err } = await bench("-o", "json", "--quick", "--filter", "emulator.path.1k");
  const lines = err.split("\n").filter((line) => line.startsWith("skipped "));
  assertEquals(code, 0);
  assertEquals(JSON.parse(out).length + lines.length, 1);
});

Deno.test("bench --help says how it is used", async () => {
  const { code, out } = await bench("--help");
  assertEquals(code, 0);
  assertStringIncludes(out, "--filter TEXT");
});

Deno.test("bench --list runs nothing", async () => {
  const { code, out } = await bench("--list", "--filter", "kernel.ipcache");
  assertEquals(code, 0);
  assertEquals(out.trimEnd().split("\n").map((line) => line.split(/\s+/)[0]), [
    "kernel.ipcache.1k",
    "kernel.ipcache.60k",
    "kernel.ipcache.512k",
    "kernel.ipcache6.1k",
    "kernel.ipcache6.60k",
    "kernel.ipcache6.512k",
  ]);
});

const BAD_USE = [
  { args: ["--nonsense"], message: 'Cannot run "bench --nonsense": Unknown option' },
  { args: ["-o", "xml"], message: 'Cannot print as "xml": unknown format' },
  { args: ["--filter", "/(/"], message: "Invalid regular expression" },
  { args: ["--filter", "zzz"], message: 'Cannot run "zzz": no such benchmark' },
];

for (const { args, message } of BAD_USE) {
  Deno.test(`bench ${args.join(" ")} is bad use`, async () => {
    const { code, out, err } = await bench(...args);
    assertEquals({ code, out }, { code: 2, out: "" });
    assertStringIncludes(err, message);
  });
}
