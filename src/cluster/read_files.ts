import { join } from "node:path";
import { ManifestError } from "./manifest_error.ts";
import type { ManifestText } from "./read_objects.ts";

const EXTENSION = /\.(ya?ml|json)$/i;

/** The files that could be read, and why the others could not. */
export interface ReadFilesResult {
  readonly inputs: readonly ManifestText[];
  readonly errors: readonly ManifestError[];
}

/**
 * Reads manifests from files, folders (their `.yaml`, `.yml` and `.json` files, sorted,
 * with subfolders) and standard input (`-`, at most once).
 *
 * Needs read permission for the paths. A file that is not UTF-8 is an error.
 */
export async function readFiles(paths: readonly string[]): Promise<ReadFilesResult> {
  const inputs: ManifestText[] = [];
  const errors: ManifestError[] = [];
  let stdin = false;
  for (const path of paths) {
    try {
      if (path !== "-") {
        for await (const file of filesOf(path)) inputs.push(await readManifest(file));
      } else if (!stdin) {
        stdin = true;
        const text = decode(await new Response(Deno.stdin.readable).bytes());
        inputs.push({ name: "<stdin>", text });
      }
    } catch (cause) {
      errors.push(unreadable(path === "-" ? "<stdin>" : path, cause));
    }
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

async function readManifest(path: string): Promise<ManifestText> {
  return { name: path, text: decode(await Deno.readFile(path)) };
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
