import { assertEquals } from "@std/assert";
import { bpffsMissing, uniqueBpffsPath } from "../kernel.ts";

const SOURCE = new URL("./driver.c", import.meta.url).pathname;

function run(command: string, ...args: string[]): { code: number; stdout: string; stderr: string } {
  const { code, stdout, stderr } = new Deno.Command(command, { args }).outputSync();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

function mustRun(command: string, ...args: string[]): string {
  const { code, stdout, stderr } = run(command, ...args);
  assertEquals(code, 0, `${command} ${args.join(" ")}: ${stderr}`);
  return stdout;
}

let driver: string | undefined;

/** Compiles the driver; the reason why not, if it cannot be. */
function build(): string | undefined {
  try {
    if (run("bpftool", "version").code !== 0) return "bpftool does not run";
    driver = `${Deno.makeTempDirSync({ prefix: "libbpf_driver_" })}/driver`;
    globalThis.addEventListener("unload", removeDriver);
    const { code } = run("gcc", "-O1", "-o", driver, SOURCE, "-lbpf");
    return code === 0 ? undefined : "no libbpf-dev";
  } catch (error) {
    return error instanceof Deno.errors.NotFound ? "no gcc or bpftool" : String(error);
  }
}

function removeDriver(): void {
  if (driver) Deno.removeSync(driver.replace(/\/driver$/, ""), { recursive: true });
}

/** Why nothing can be compared with libbpf here, or undefined if it can. */
export const libbpfMissing: string | undefined = bpffsMissing ?? build();

/** What libbpf does with an object. */
export interface LibbpfOptions {
  /** Path of the object. */
  object: string;
  /** Programs to load, by name. */
  programs: readonly string[];
  /** Path of the BTF to relocate against. @default the kernel's */
  btf?: string;
  /** `CONFIG_X=y` lines. @default the kernel's */
  kconfig?: string;
}

/** The programs that libbpf loaded, pinned under `folder` until disposal. */
export class LibbpfPrograms implements Disposable {
  readonly folder: string = uniqueBpffsPath("libbpf");
  /** Instructions as libbpf relocated them, in hexadecimal, by program. */
  readonly instructions: ReadonlyMap<string, string>;

  constructor({ object, programs, btf = "", kconfig = "" }: LibbpfOptions) {
    Deno.mkdirSync(this.folder);
    try {
      const lines = mustRun(driver ?? "", object, this.folder, btf, kconfig, ...programs);
      this.instructions = new Map(
        lines.trim().split("\n").map((line): [string, string] => {
          const [name = "", hex = ""] = line.split(" ");
          return [name, hex];
        }),
      );
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }
}

/** Type, attach type and load flags by section, as libbpf reads an object. */
export function libbpfKinds(object: string): Map<string, readonly number[]> {
  const lines = mustRun(driver ?? "", object).trim().split("\n");
  return new Map(lines.map((line): [string, number[]] => {
    const [section = "", ...numbers] = line.split(" ");
    return [section, numbers.map(Number)];
  }));
}

/** Tag of a pinned program. */
export function tagOf(path: string): string {
  return JSON.parse(mustRun("bpftool", "-j", "prog", "show", "pinned", path)).tag;
}

/** `bpftool prog dump xlated` of a pinned program, with the maps' names in place of their ids. */
export function dumpOf(path: string): string[] {
  const text = mustRun("bpftool", "prog", "dump", "xlated", "pinned", path);
  return text.split("\n")
    // Without the addresses of inlined calls, which stand on lines of their own.
    .filter((line) => /^\s*\d+: /.test(line))
    .map((line) =>
      line.replace(/map\[id:(\d+)\]/, (_, id) => `map[${mapName(id)}]`)
        // Memory that the kernel allocated for this load; its symbols are at 0xffffffff…
        .replace(/0xffff8[0-9a-f]{11}/, "(allocated)")
    );
}

function mapName(id: string): string {
  const { name } = JSON.parse(mustRun("bpftool", "-j", "map", "show", "id", id));
  // libbpf puts the object's name before those of global data: "tc_bpf.rodata".
  return name.replace(/^[^.]+(?=\.)/, "");
}
