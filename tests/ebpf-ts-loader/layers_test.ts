import { assertEquals } from "@std/assert";

const ROOT = new URL("../../src/ebpf-ts-loader/", import.meta.url);

/** Each folder, and the folders it may import besides itself; "" is the package's root. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  "": ["elf", "btf", "core", "spec", "code", "features", "object", "reader", "link"],
  elf: [""],
  btf: [""],
  core: ["", "btf"],
  gen: ["", "btf", "spec", "node:path", "node:util"],
  spec: ["", "elf", "btf"],
  code: ["", "btf", "spec"],
  features: ["spec", "sys"],
  object: ["", "btf", "core", "features", "spec", "sys", "node:zlib"],
  reader: ["object", "spec", "sys"],
  link: ["", "features", "netlink", "object", "spec", "sys"],
  sys: [],
  netlink: ["sys"],
};

function filesIn(folder: string): string[] {
  const files = [...Deno.readDirSync(new URL(folder, ROOT))];
  return files.filter(({ isFile, name }) => isFile && name.endsWith(".ts"))
    .map(({ name }) => `${folder}${name}`);
}

/** Folders that a file imports, outside its own; what is no relative path stays as it is. */
function imported(file: string, folder: string): string[] {
  const text = Deno.readTextFileSync(new URL(file, ROOT))
    // Examples in comments import the package by name.
    .replace(/\/\*\*[\s\S]*?\*\//g, "");
  return [...text.matchAll(/\bfrom "([^"]+)"/g)]
    .map(([, path = ""]) => {
      if (!path.startsWith(".")) return path;
      const resolved = new URL(path, new URL(file, ROOT)).href;
      if (!resolved.startsWith(ROOT.href)) return path;
      const parts = resolved.slice(ROOT.href.length).split("/");
      return parts.length === 1 ? "" : parts[0] ?? "";
    })
    .filter((target) => target !== folder);
}

for (const [folder, allowed] of Object.entries(ALLOWED)) {
  Deno.test(`${folder || "root"} imports only ${allowed.join(", ") || "nothing"}`, () => {
    const breaches = filesIn(folder === "" ? "" : `${folder}/`).flatMap((file) =>
      imported(file, folder)
        .filter((target) => !allowed.includes(target))
        .map((target) => `${file} imports ${target}`)
    );
    assertEquals(breaches, []);
  });
}

Deno.test("only sys opens FFI", () => {
  const folders = Object.keys(ALLOWED).filter((folder) => folder !== "sys");
  const breaches = folders.flatMap((folder) => filesIn(folder === "" ? "" : `${folder}/`))
    .filter((file) => /Deno\.(dlopen|Unsafe)/.test(Deno.readTextFileSync(new URL(file, ROOT))));
  assertEquals(breaches, []);
});
