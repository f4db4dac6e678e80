/** Writes the generated modules of this folder anew: `deno run -A build.ts`. */
import { generateModule, type GenerateOptions } from "ebpf-ts-loader/gen";

/** Each generated module, its object and options. */
export const MODULES: readonly {
  readonly module: string;
  readonly object: string;
  readonly options: GenerateOptions;
}[] = [
  { module: "tc.ts", object: "tc.bpf.o", options: { types: ["key"] } },
  { module: "variables.ts", object: "variables.bpf.o", options: {} },
];

/** The text of a generated module. */
export function generated({ object, options }: typeof MODULES[number]): string {
  const bytes = Deno.readFileSync(new URL(`../fixtures/${object}`, import.meta.url));
  return generateModule(bytes, object, options);
}

if (import.meta.main) {
  for (const each of MODULES) {
    Deno.writeTextFileSync(new URL(each.module, import.meta.url), generated(each));
  }
}
