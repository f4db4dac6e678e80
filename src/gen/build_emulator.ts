/**
 * `deno task build`: compiles the emulator into `asm/out`, once without and once with threads.
 * Nearly every task begins with it, so it compiles only when sources, options or compiler are
 * other than those of the last build (`--force`: always).
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { main as compile, version } from "assemblyscript/asc";

const FOLDER = new URL("../../asm/", import.meta.url);
const CONFIG = new URL("asconfig.json", FOLDER);
/** Digest of what the modules beside it were compiled from; written last. */
const STAMP = new URL("out/sources.sha256", FOLDER);
const TARGETS = ["release", "threads"];

/** What is read here of `asm/asconfig.json`. */
interface Config {
  readonly targets: Readonly<Record<string, { readonly outFile: string }>>;
}

/** SHA-256 of all that decides about the modules' bytes, in hexadecimal digits. */
async function digest(config: string): Promise<string> {
  const sources = Array.from(Deno.readDirSync(FOLDER), ({ name }) => name)
    .filter((name) => name.endsWith(".ts")).sort()
    .map((name) => [name, Deno.readTextFileSync(new URL(name, FOLDER))]);
  const text = JSON.stringify([version, TARGETS, config, sources]);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)))
    .toHex();
}

function isBuilt({ targets }: Config, expected: string): boolean {
  try {
    for (const target of TARGETS) Deno.statSync(new URL(targets[target]?.outFile ?? "", FOLDER));
    return Deno.readTextFileSync(STAMP) === expected;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

if (import.meta.main) {
  const config = Deno.readTextFileSync(CONFIG);
  const sources = await digest(config);
  if (Deno.args.includes("--force") || !isBuilt(JSON.parse(config), sources)) {
    Deno.mkdirSync(new URL(".", STAMP), { recursive: true });
    // What is half built is not built.
    Deno.writeTextFileSync(STAMP, "");
    for (const target of TARGETS) {
      const { error, stderr } = await compile(
        ["--config", fileURLToPath(CONFIG), "--target", target],
        {},
      );
      if (error) {
        console.error(stderr.toString());
        Deno.exit(1);
      }
    }
    Deno.writeTextFileSync(STAMP, sources);
  }
}
