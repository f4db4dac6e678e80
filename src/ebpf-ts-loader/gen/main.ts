/**
 * Writes a TypeScript module for a compiled object:
 * `deno run -A src/ebpf-ts-loader/gen/main.ts [--type NAME]… [--import FROM] OBJECT OUT`
 */
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { generateModule } from "./generate.ts";

const USAGE = `Usage: main.ts [--type NAME]… [--import FROM] OBJECT OUT

Writes a TypeScript module with the object, its types, and load().

  --type NAME    also write the type and a decoder of struct NAME (repeatable)
  --import FROM  where the module imports the loader from (default: ebpf-ts-loader)
  --help         print this`;

function main(args: string[]): number {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      type: { type: "string", multiple: true },
      import: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const [object, out, ...rest] = positionals;
  if (object === undefined || out === undefined || rest.length > 0) {
    throw new TypeError(`${positionals.length} files, expected OBJECT and OUT\n${USAGE}`);
  }
  const text = generateModule(Deno.readFileSync(object), basename(object), {
    types: values.type ?? [],
    ...(values.import !== undefined && { importFrom: values.import }),
  });
  Deno.writeTextFileSync(out, text);
  return 0;
}

if (import.meta.main) {
  try {
    Deno.exitCode = main(Deno.args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    Deno.exitCode = 2;
  }
}
