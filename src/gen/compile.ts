/**
 * Builds the BPF objects of `bpf/` so that every machine with the recorded compiler gets the
 * same bytes: own headers only, no path of the machine inside, no DWARF.
 *
 * @module
 */

/** Where things stand in the repository. */
const BPF_DIR = new URL("../../bpf/", import.meta.url);

/** The file that names the compiler the committed objects were built with. */
const COMPILER_FILE = new URL("obj/COMPILER", BPF_DIR);

/** The major version asked for; another clang builds too, but other bytes. */
const CLANG_MAJOR = 19;

const FLAGS = [
  "-O2",
  "-g",
  "-target",
  "bpf",
  "-mcpu=v3",
  "-nostdinc",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-Wno-unused-parameter",
  "-Wno-unused-function",
  "-fdebug-compilation-dir=.",
];

/** Runs a program in `bpf/`, returns what it printed. */
function run(program: string, args: readonly string[]): string {
  let output: Deno.CommandOutput;
  try {
    output = new Deno.Command(program, { args: [...args], cwd: BPF_DIR }).outputSync();
  } catch (cause) {
    throw new Error(
      `Cannot run "${program}": not found, expected clang ${CLANG_MAJOR} and its llvm tools on PATH`,
      { cause },
    );
  }
  if (!output.success) {
    const stderr = new TextDecoder().decode(output.stderr);
    throw new Error(`Cannot run "${program} ${args.join(" ")}": exit ${output.code}\n${stderr}`);
  }
  return new TextDecoder().decode(output.stdout);
}

/** First line of the compiler's version, without the distribution's build number. */
export function compilerVersion(): string {
  const line = run(`clang-${CLANG_MAJOR}`, ["--version"]).split("\n")[0] ?? "";
  return /clang version \d+\.\d+\.\d+/.exec(line)?.[0] ?? line;
}

/** The compiler version the committed objects were built with; empty if none are committed. */
export function recordedCompiler(): string {
  try {
    return Deno.readTextFileSync(COMPILER_FILE).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/** Records the compiler of the objects. */
export function recordCompiler(version: string): void {
  Deno.writeTextFileSync(COMPILER_FILE, `${version}\n`);
}

/** Names of the programs' sources, without `.bpf.c`, sorted. */
export function objectNames(): string[] {
  return [...Deno.readDirSync(BPF_DIR)]
    .filter((entry) => entry.isFile && entry.name.endsWith(".bpf.c"))
    .map((entry) => entry.name.slice(0, -".bpf.c".length))
    .sort();
}

/** The committed object of a source. */
export function objectPath(name: string): URL {
  return new URL(`obj/${name}.bpf.o`, BPF_DIR);
}

/**
 * Compiles `bpf/<name>.bpf.c` and returns the object's bytes.
 *
 * @throws {Error} If the compiler is missing or refuses the source.
 */
export function compile(name: string): Uint8Array<ArrayBuffer> {
  // A folder, since a compiler that refuses the source takes its output away.
  const folder = Deno.makeTempDirSync();
  const object = `${folder}/${name}.o`;
  try {
    run(`clang-${CLANG_MAJOR}`, [...FLAGS, "-c", `${name}.bpf.c`, "-o", object]);
    run(`llvm-strip-${CLANG_MAJOR}`, ["--strip-debug", object]);
    return Deno.readFileSync(object);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}
