import { assertEquals } from "@std/assert";

const SRC = new URL("../src/", import.meta.url);

/** Folder of src/ → folders it may import from; DESIGN's "who may import whom" as a table. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  "ebpf-ts-loader": [],
  std: [],
  gen: ["ebpf-ts-loader"],
  pcap: [],
  cluster: [],
  identity: ["cluster"],
  policy: ["cluster", "identity"],
  spec: ["cluster"],
  datapath: ["policy", "ebpf-ts-loader"],
  verify: ["cluster", "identity", "policy", "spec", "datapath", "pcap", "ebpf-ts-loader"],
  explain: ["cluster", "identity", "policy", "spec", "datapath", "verify"],
  replay: ["cluster", "policy", "datapath", "pcap", "verify"],
  demo: ["cluster", "identity", "policy", "datapath", "verify", "ebpf-ts-loader"],
  fuzz: ["cluster", "policy", "datapath", "pcap", "verify", "ebpf-ts-loader"],
  cli: [
    "cluster",
    "identity",
    "policy",
    "spec",
    "datapath",
    "pcap",
    "verify",
    "replay",
    "fuzz",
    "explain",
    "demo",
    "ebpf-ts-loader",
  ],
};

/** Folders that also run in a browser: no `Deno.*`, no `node:`. */
const PLATFORM_FREE = ["pcap", "policy", "spec"];

interface Import {
  readonly file: string;
  readonly folder: string;
  readonly specifier: string;
}

function* typescriptFiles(directory: URL): Generator<URL> {
  for (const entry of Deno.readDirSync(directory)) {
    const url = new URL(entry.name, directory);
    if (entry.isDirectory) yield* typescriptFiles(new URL(`${url.href}/`));
    else if (entry.name.endsWith(".ts")) yield url;
  }
}

function shown(url: URL): string {
  return url.pathname.slice(SRC.pathname.length);
}

function importsOf(url: URL): Import[] {
  const text = Deno.readTextFileSync(url);
  const file = shown(url);
  const folder = file.split("/")[0] ?? "";
  return [...text.matchAll(/^\s*(?:import|export)\b[^;'"]*?\bfrom\s+["']([^"']+)["']/gm)]
    .concat([...text.matchAll(/\bimport\(\s*["']([^"']+)["']/g)])
    .map((match) => ({ file, folder, specifier: match[1] ?? "" }));
}

/** The folder of src/ that a specifier leads to, or undefined for a package. */
function targetOf({ file, specifier }: Import): string | undefined {
  if (specifier.startsWith("ebpf-ts-loader")) return "ebpf-ts-loader";
  if (specifier.startsWith("@std/")) return "std";
  if (!specifier.startsWith(".")) return undefined;
  return shown(new URL(specifier, new URL(file, SRC))).split("/")[0];
}

const imports = [...typescriptFiles(SRC)]
  .filter((url) => shown(url).includes("/"))
  .flatMap(importsOf);

Deno.test("src/ folders import in one direction only", () => {
  const breaches = imports.filter((found) => {
    const target = targetOf(found);
    return target !== undefined && target !== found.folder &&
      !MAY_IMPORT[found.folder]?.includes(target);
  });
  assertEquals(breaches.map(({ file, specifier }) => `${file} imports ${specifier}`), []);
});

Deno.test("the table of allowed imports has no cycle", () => {
  const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
    (MAY_IMPORT[from] ?? []).some((next) =>
      next === to || (!seen.has(next) && reaches(next, to, seen.add(next)))
    );
  assertEquals(Object.keys(MAY_IMPORT).filter((folder) => reaches(folder, folder)), []);
});

Deno.test("other folders import only the public modules of ebpf-ts-loader", () => {
  const publicModules = ["ebpf-ts-loader", "ebpf-ts-loader/sys", "ebpf-ts-loader/netlink"];
  const breaches = imports.filter((found) =>
    found.folder !== "ebpf-ts-loader" && targetOf(found) === "ebpf-ts-loader" &&
    !publicModules.includes(found.specifier)
  );
  assertEquals(breaches.map(({ file, specifier }) => `${file} imports ${specifier}`), []);
});

Deno.test("folders that a browser runs use neither Deno nor node:", () => {
  const offenders = [...typescriptFiles(SRC)]
    .filter((url) => PLATFORM_FREE.includes(shown(url).split("/")[0] ?? ""))
    .filter((url) => {
      const code = Deno.readTextFileSync(url).replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
      return /\bDeno\.|["']node:/.test(code);
    });
  assertEquals(offenders.map(shown), []);
});

Deno.test("no folder but ebpf-ts-loader opens FFI", () => {
  const offenders = [...typescriptFiles(SRC)]
    .filter((url) => !shown(url).startsWith("ebpf-ts-loader/"))
    .filter((url) => /\bDeno\.(dlopen|Unsafe)/.test(Deno.readTextFileSync(url)));
  assertEquals(offenders.map(shown), []);
});

Deno.test("every folder of src/ is in the table", () => {
  const folders = [...Deno.readDirSync(SRC)].filter((entry) => entry.isDirectory)
    .map((entry) => entry.name);
  assertEquals(folders.filter((folder) => !(folder in MAY_IMPORT)), []);
});
