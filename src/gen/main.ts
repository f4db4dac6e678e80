/**
 * `deno task gen`: compiles `bpf/*.bpf.c` into `bpf/obj` and writes the layouts of both
 * languages. `--check` writes nothing and exits 1 where the committed files differ: byte by byte
 * at the recorded compiler version, by instructions and layouts at any other.
 *
 * @module
 */
import { parseObject } from "ebpf-ts-loader";
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
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether another compiler may write other bytes. */
  readonly compiled: boolean;
}

function generate(): Generated[] {
  const objects = objectNames().map((name) => ({ name, bytes: compile(name) }));
  const layoutObject = objects.find(({ name }) => name === LAYOUT_OBJECT);
  if (!layoutObject) throw new Error(`Cannot find "bpf/${LAYOUT_OBJECT}.bpf.c"`);
  const { btf } = parseObject(layoutObject.bytes, `${LAYOUT_OBJECT}.bpf.o`);
  if (!btf) throw new Error(`Cannot read "${LAYOUT_OBJECT}.bpf.o": no BTF, expected -g`);
  const layout = readSharedLayout(btf);
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

/** The file's bytes, or undefined where there is none. */
function readIfThere(path: URL): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** The path as a person would type it at the top of the repository. */
function shown(path: URL): string {
  return path.pathname.slice(new URL("../../", import.meta.url).pathname.length);
}

/** Equal programs, whatever else another compiler writes into an object. */
function sameInstructions(a: Uint8Array<ArrayBuffer>, b: Uint8Array<ArrayBuffer>): boolean {
  const left = parseObject(a, "committed").programs;
  const right = parseObject(b, "rebuilt").programs;
  return left.size === right.size && [...left].every(([name, { instructions }]) => {
    const other = right.get(name);
    return other !== undefined && equal(instructions, other.instructions);
  });
}

function check(generated: readonly Generated[], sameCompiler: boolean): number {
  const stale = generated.filter(({ path, bytes, compiled }) => {
    const committed = readIfThere(path);
    if (!committed) return true;
    return compiled && !sameCompiler
      ? !sameInstructions(committed, bytes)
      : !equal(committed, bytes);
  });
  for (const { path } of stale) console.error(`${shown(path)} differs, run "deno task gen"`);
  if (stale.length === 0) {
    const how = sameCompiler ? "byte by byte" : "by instructions (another compiler)";
    console.log(`${generated.length} files are as generated, ${how}`);
  }
  return stale.length === 0 ? 0 : 1;
}

function write(generated: readonly Generated[]): void {
  Deno.mkdirSync(new URL("../../bpf/obj/", import.meta.url), { recursive: true });
  for (const { path, bytes } of generated) {
    const committed = readIfThere(path);
    if (committed && equal(committed, bytes)) continue;
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
