import { join } from "node:path";
import { ManifestError } from "./manifest_error.ts";
import type { ManifestText } from "./read_objects.ts";

const STDIN = "<stdin>";
const EXTENSION = /\.(ya?ml|json)$/i;

/** The files that could be read, and why the others could not. */
export interface ReadFilesResult {
  readonly inputs: readonly ManifestText[];
  readonly errors: readonly ManifestError[];
}

/**
 * Reads manifests from files, folders (their `.yaml`, `.yml` and `.json` files, sorted,
 * with subfolders), and standard input (`-`). A path that is given twice is read once.
 *
 * Needs read permission for the paths. A file that is not UTF-8 is an error.
 */
export async function readFiles(paths: readonly string[]): Promise<ReadFilesResult> {
  const inputs: ManifestText[] = [];
  const errors: ManifestError[] = [];
  const attempt = async (name: string, read: () => Promise<void>) => {
    try {
      await read();
    } catch (cause) {
      errors.push(unreadable(name, cause));
    }
  };
  for (const path of new Set(paths)) {
    if (path === "-") {
      await attempt(STDIN, async () => {
        const bytes = await new Response(Deno.stdin.readable).bytes();
        inputs.push({ name: STDIN, text: decode(bytes) });
      });
      continue;
    }
    await attempt(path, async () => {
      for await (const file of filesOf(path)) {
        await attempt(file, async () => {
          inputs.push({ name: file, text: decode(await Deno.readFile(file)) });
        });
      }
    });
  }
  return { inputs, errors };
}

/** A folder's files; symbolic links inside it are not followed, they could form a cycle. */
async function* filesOf(path: string): AsyncGenerator<string> {
  if (!(await Deno.stat(path)).isDirectory) {
    yield path;
    return;
  }
  const entries = await Array.fromAsync(Deno.readDir(path));
  entries.sort((a, b) => a.name < b.name ? -1 : 1);
  for (const entry of entries) {
    if (entry.isDirectory) yield* filesOf(join(path, entry.name));
    else if (entry.isFile && EXTENSION.test(entry.name)) yield join(path, entry.name);
  }
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

function unreadable(file: string, cause: unknown): ManifestError {
  const state = cause instanceof TypeError
    ? "not UTF-8"
    : cause instanceof Error
    ? cause.message
    : String(cause);
  return new ManifestError(`Cannot read ${JSON.stringify(file)}: ${state}, expected a manifest`, {
    location: { file, line: 0, column: 0 },
    cause,
  });
}
