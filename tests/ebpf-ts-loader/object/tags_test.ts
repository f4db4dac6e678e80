import { assertEquals } from "@std/assert";
import { loadCollection } from "ebpf-ts-loader";
import { fixture } from "../fixtures.ts";
import { bpffsMissing, kernelTest, uniqueBpffsPath } from "../kernel.ts";

function run(...args: string[]): { code: number; text: string } {
  const { code, stdout, stderr } = new Deno.Command("bpftool", { args }).outputSync();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

function bpftoolMissing(): string | undefined {
  try {
    return run("version").code === 0 ? undefined : "bpftool does not run";
  } catch {
    return "bpftool is not installed";
  }
}

const unless = bpftoolMissing() ?? bpffsMissing;

for (const name of ["tc.bpf.o", "core.bpf.o"]) {
  kernelTest(`programs of ${name} have the tags that libbpf gives them`, () => {
    const folder = uniqueBpffsPath("tags");
    const path = new URL(`../fixtures/${name}`, import.meta.url).pathname;
    using collection = loadCollection(fixture(name));
    const ours = [...collection.programs].map(([each, program]) => [each, program.info().tag]);
    const loaded = run("prog", "loadall", path, folder, "type", "classifier");
    try {
      assertEquals(loaded.code, 0, loaded.text);
      const theirs = ours.map(([each]) => {
        const shown = JSON.parse(run("-j", "prog", "show", "pinned", `${folder}/${each}`).text);
        return [each, shown.tag];
      });
      assertEquals(ours, theirs);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  }, { unless });
}
