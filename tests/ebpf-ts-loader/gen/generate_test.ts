import { assert, assertEquals, assertThrows } from "@std/assert";
import { ObjectFormatError, parseObject } from "ebpf-ts-loader";
import { generateModule } from "ebpf-ts-loader/gen";
import { fixture, fixtureBytes } from "../fixtures.ts";
import { kernelTest, packet } from "../kernel.ts";
import { generated, MODULES } from "./build.ts";
import { decodeKey, type Key, load, loadSpec, Verdict } from "./tc.ts";
import { load as loadVariables, Mode } from "./variables.ts";

for (const each of MODULES) {
  Deno.test(`generateModule() makes ${each.module} of ${each.object}`, () => {
    const committed = Deno.readTextFileSync(new URL(each.module, import.meta.url));
    assertEquals(generated(each), committed, "expected `deno run -A tests/…/gen/build.ts`");
  });
}

Deno.test("a generated module holds the whole object", () => {
  assertEquals(loadSpec().programs, fixture("tc.bpf.o").programs);
});

kernelTest("a generated module loads, with maps, programs and variables by name", () => {
  using objects = load({ variables: { config_endpoint_id: 40 } });
  const { maps, programs, variables } = objects;
  programs.ingress.testRun({ data: packet() });
  const key: Key = { address: 0, port: 8, protocol: 1, flags: 0, version: 0 };
  assertEquals(maps.flows.get(key)?.packets, 1n);
  assertEquals(programs.from_container.testRun({ data: packet() }).returnValue, 40);
  assertEquals([maps.counters.get(1), variables.seen.get()], [1n, 1]);
  variables.total.set(0n);
  assertEquals(variables.total.get(), 0n);
  assertEquals(maps.events.name, "events");
});

kernelTest("a generated module names enumerators and nested types", () => {
  using objects = loadVariables({ only: ["text"] });
  const { mode, points, word } = objects.variables.config.get();
  assertEquals([mode, points[1], word], [Mode.MODE_ON, { x: 3, y: -4 }, 0x00020001]);
  assertEquals(Verdict.VERDICT_DROP, 2);
});

Deno.test("a generated decoder reads a struct that no map names", () => {
  const key = decodeKey(new Uint8Array([127, 0, 0, 1, 0, 80, 6, 17]));
  assertEquals(key, { address: 0x0100007f, port: 0x5000, protocol: 6, flags: 1, version: 2 });
});

Deno.test("generateModule() refuses a type that the object does not have", () => {
  assertThrows(
    () => generateModule(fixtureBytes("tc.bpf.o"), "tc.bpf.o", { types: ["nobody"] }),
    ObjectFormatError,
    'struct "nobody" not found',
  );
});

Deno.test("generateModule() lets no name of the object out of its quotes", () => {
  const bytes = fixtureBytes("tc.bpf.o");
  const text = new TextDecoder("latin1").decode(bytes);
  // Same length, so that the string tables stay whole.
  const evil = "*/};//\n`${x}\"'";
  for (let at = text.indexOf("config_endpoint_id"); at >= 0;) {
    bytes.set(new TextEncoder().encode(evil), at);
    at = text.indexOf("config_endpoint_id", at + 1);
  }
  const spec = parseObject(bytes, "x.o");
  assert([...spec.variables.keys()].some((name) => name.startsWith("*/")));
  const module = generateModule(bytes, "x\n*/evil().o");
  const code = module.replace(/\/\*\*[\s\S]*?\*\//g, "").replace(/"(?:[^"\\\n]|\\.)*"/g, '""')
    .replace(/\/\/.*$/gm, "");
  assert(!code.includes("evil") && !code.includes("${x}") && !code.includes("};//"));
});

/** Runs the command line of the generator. */
function run(...args: string[]): { code: number; stderr: string } {
  const script = new URL("../../../src/ebpf-ts-loader/gen/main.ts", import.meta.url).pathname;
  const command = new Deno.Command(Deno.execPath(), { args: ["run", "-A", script, ...args] });
  const { code, stderr } = command.outputSync();
  return { code, stderr: new TextDecoder().decode(stderr) };
}

Deno.test("gen/main.ts writes a module, and exits with 2 for bad use and bad input", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const object = new URL("../fixtures/tc.bpf.o", import.meta.url).pathname;
    const out = `${folder}/tc.ts`;
    assertEquals(run("--type", "key", object, out), { code: 0, stderr: "" });
    const [module] = MODULES;
    assertEquals(Deno.readTextFileSync(out), module && generated(module));
    assertEquals(run(object).code, 2);
    assertEquals(
      run(out, out).stderr,
      `Cannot read "tc.ts": magic 0x47202f2f, ` +
        "expected an ELF file (0x464c457f)\n",
    );
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
