import { assertEquals, assertMatch } from "@std/assert";
import { SourceLines } from "ebpf-ts-loader";
import { fixture } from "../fixtures.ts";

const SOURCE = Deno.readTextFileSync(new URL("../fixtures/tc.bpf.c", import.meta.url)).split("\n");

Deno.test("SourceLines.at() gives each instruction the line that its file has there", () => {
  const { btf, programs } = fixture("tc.bpf.o");
  for (const program of programs.values()) {
    const lines = new SourceLines(program, btf);
    for (let i = 0; i < program.instructions.length / 8; i++) {
      const found = lines.at(i);
      assertMatch(found?.file ?? "", /(^|\/)tc\.bpf\.c$/);
      assertEquals(found?.text, SOURCE[(found?.line ?? 0) - 1]?.trim());
    }
  }
});

Deno.test("SourceLines.at() is undefined without types, and before the first record", () => {
  const { btf, programs } = fixture("tc.bpf.o");
  const program = programs.get("loops");
  if (program === undefined) throw new Error("no such program");
  assertEquals(new SourceLines(program, undefined).at(0), undefined);
  assertEquals(new SourceLines(program, btf).at(-1), undefined);
  assertEquals(new SourceLines({ ...program, lineInfo: new Uint8Array(0) }, btf).at(0), undefined);
});
