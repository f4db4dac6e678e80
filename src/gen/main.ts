/**
 * `deno task gen`: compiles `bpf/*.bpf.c` into `bpf/obj` and writes the layouts of both
 * languages. `--check` writes nothing and exits 1 where the committed files differ: from other
 * bytes at the recorded compiler version, from other layouts at any version.
 *
 * @module
 */
import { Btf, parseElf } from "ebpf-ts-loader";
import {
  compile,
  compilerVersion,
  objectNames,
  objectPath,
  recordCompiler,
  recordedCompiler,
} from "./compile.ts";
import { assemblyScriptLayout, readSharedLayout, typeScriptLayout } from "./layout.ts";

/** The object that only carries the shared types; never loaded, so never committed. */
const LAYOUT_OBJECT = "layout";

const LAYOUTS: readonly {
  path: URL;
  text: (layout: ReturnType<typeof readSharedLayout>) => string;
}[] = [
  { path: new URL("../../asm/layout.ts", import.meta.url), text: assemblyScriptLayout },
  { path: new URL("../datapath/layout.ts", import.meta.url), text: typeScriptLayout },
];

/** A generated file and what it should hold. */
interface Generated {
  readonly path: URL;
  readonly bytes: Uint8Array;
  /** Compared only where the compiler is the recorded one. */
  readonly compiled: boolean;
}

function generate(): Generated[] {
  const objects = objectNames().map((name) => ({ name, bytes: compile(name) }));
  const layoutObject = objects.find(({ name }) => name === LAYOUT_OBJECT);
  if (!layoutObject) throw new Error(`Cannot find "bpf/${LAYOUT_OBJECT}.bpf.c"`);
  const elf = parseElf(layoutObject.bytes, `${LAYOUT_OBJECT}.bpf.o`);
  const section = elf.sections.find(({ name }) => name === ".BTF");
  if (!section) throw new Error(`Cannot read "${LAYOUT_OBJECT}.bpf.o": no .BTF section`);
  const layout = readSharedLayout(new Btf(section.data, `${LAYOUT_OBJECT}.bpf.o`));
  return [
    ...objects.filter(({ name }) => name !== LAYOUT_OBJECT).map(({ name, bytes }) => ({
      path: objectPath(name),
      bytes,
      compiled: true,
    })),
    ...LAYOUTS.map(({ path, text }) => ({
      path,
      bytes: new TextEncoder().encode(text(layout)),
      compiled: false,
    })),
  ];
}

function sameBytes(path: URL, expected: Uint8Array): boolean {
  let actual: Uint8Array;
  try {
    actual = Deno.readFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  return actual.length === expected.length && actual.every((byte, i) => byte === expected[i]);
}

/** The path as a person would type it at the top of the repository. */
function shown(path: URL): string {
  return path.pathname.slice(new URL("../../", import.meta.url).pathname.length);
}

function check(generated: readonly Generated[], sameCompiler: boolean): number {
  const stale = generated
    .filter(({ compiled }) => sameCompiler || !compiled)
    .filter(({ path, bytes }) => !sameBytes(path, bytes));
  for (const { path } of stale) console.error(`${shown(path)} differs, run "deno task gen"`);
  if (stale.length === 0) {
    const what = sameCompiler ? "objects and layouts" : "layouts (another compiler's objects)";
    console.log(`${what} are as generated`);
  }
  return stale.length === 0 ? 0 : 1;
}

function write(generated: readonly Generated[]): void {
  Deno.mkdirSync(new URL("../../bpf/obj/", import.meta.url), { recursive: true });
  for (const { path, bytes } of generated) {
    if (sameBytes(path, bytes)) continue;
    Deno.writeFileSync(path, bytes);
    console.log(`wrote ${shown(path)}`);
  }
  recordCompiler(compilerVersion());
}

if (import.meta.main) {
  const [option, ...rest] = Deno.args;
  if ((option !== undefined && option !== "--check") || rest.length > 0) {
    console.error(`Cannot run "gen ${Deno.args.join(" ")}": expected no argument or --check`);
    Deno.exit(2);
  }
  const generated = generate();
  if (option === "--check") {
    Deno.exit(check(generated, compilerVersion() === recordedCompiler()));
  }
  write(generated);
}
