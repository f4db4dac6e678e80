import { assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { readFiles } from "../../src/cluster/read_files.ts";

Deno.test("readFiles() reads folders in order and reports what it cannot read", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(join(folder, "sub"));
    await Deno.writeTextFile(join(folder, "b.yaml"), "b: 1");
    await Deno.writeTextFile(join(folder, "a.json"), "{}");
    await Deno.writeTextFile(join(folder, "sub", "c.yml"), "c: 1");
    await Deno.writeTextFile(join(folder, "notes.txt"), "no manifest");
    await Deno.symlink(folder, join(folder, "loop"));
    await Deno.writeFile(join(folder, "sub", "z.yaml"), new Uint8Array([0xff, 0xfe, 0xfd]));
    const { inputs, errors } = await readFiles([folder, join(folder, "notes.txt"), "/nowhere"]);
    assertEquals(inputs.map(({ name, text }) => [name.slice(folder.length), text]), [
      ["/a.json", "{}"],
      ["/b.yaml", "b: 1"],
      ["/sub/c.yml", "c: 1"],
      ["/notes.txt", "no manifest"],
    ]);
    assertEquals(errors.length, 2);
    assertMatch(
      errors[0]?.message ?? "",
      /^Cannot read ".*z\.yaml": not UTF-8, expected a manifest/,
    );
    assertMatch(errors[1]?.message ?? "", /^Cannot read "\/nowhere": No such file/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("readFiles() reads standard input for -", async () => {
  const module = new URL("../../src/cluster/read_files.ts", import.meta.url).href;
  const code = `import { readFiles } from ${JSON.stringify(module)};
    console.log(JSON.stringify(await readFiles(["-", "-"])));`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--config", new URL("../../deno.json", import.meta.url).pathname, code],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode("kind: List"));
  await writer.close();
  const { stdout } = await child.output();
  assertEquals(JSON.parse(new TextDecoder().decode(stdout)), {
    inputs: [{ name: "<stdin>", text: "kind: List" }],
    errors: [],
  });
});
