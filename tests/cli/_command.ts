/**
 * Runs the real command line: a process of its own, as a user starts it.
 *
 * @module
 */
import { assertEquals } from "@std/assert";

const ENTRY = new URL("../../src/main.ts", import.meta.url).pathname;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

/** What a command left behind. */
export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One use of a command, and what must come of it. */
export interface CommandRow {
  readonly description: string;
  /** `DIR` stands for the folder of `files`. */
  readonly args: readonly string[];
  /** Files to be written into a folder of their own. */
  readonly files?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Lines of standard output that are not empty. @default [] */
  readonly stdout?: readonly string[];
  /** Lines of standard error. @default [] */
  readonly stderr?: readonly string[];
  readonly code: number;
}

/** Runs a command with standard input. */
export async function runCommand(args: readonly string[], stdin: string = ""): Promise<Finished> {
  await using child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", `--config=${CONFIG}`, ENTRY, ...args],
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const write = async () => {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(stdin));
    await writer.close();
  };
  // A command that does not read its input closes it: no matter here.
  const [output] = await Promise.all([child.output(), write().catch(() => {})]);
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code: output.code, stdout: text(output.stdout), stderr: text(output.stderr) };
}

/** Registers a test for each row. */
export function commandTests(command: string, rows: readonly CommandRow[]): void {
  for (const row of rows) {
    Deno.test(`twinpath ${command}: ${row.description}`, async () => {
      const folder = await Deno.makeTempDir();
      await using _removal = {
        [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
      };
      for (const [name, text] of Object.entries(row.files ?? {})) {
        await Deno.writeTextFile(`${folder}/${name}`, text);
      }
      const args = row.args.map((arg) => arg.replaceAll("DIR", folder));
      const { code, stdout, stderr } = await runCommand([command, ...args], row.stdin);
      const linesOf = (text: string) =>
        text.replaceAll(folder, "DIR").split("\n").map((line) => line.trimEnd())
          .filter((line) => line !== "");
      assertEquals(
        { code, stderr: linesOf(stderr), stdout: linesOf(stdout) },
        { code: row.code, stderr: [...row.stderr ?? []], stdout: [...row.stdout ?? []] },
      );
    });
  }
}
