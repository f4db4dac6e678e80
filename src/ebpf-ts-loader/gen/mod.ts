/**
 * Writes a TypeScript module for a compiled object: the object itself, the types of its maps and
 * variables, and a typed `load()`. Needs no kernel and no permission.
 *
 * From the command line: `deno run -A gen/main.ts datapath.bpf.o datapath.ts`.
 *
 * @example Usage
 * ```ts
 * import { generateModule } from "ebpf-ts-loader/gen";
 * import { assert } from "@std/assert";
 * const object = await Deno.readFile("tests/ebpf-ts-loader/fixtures/variables.bpf.o");
 * assert(generateModule(object, "variables.bpf.o").includes("readonly counter: Variable<bigint>"));
 * ```
 *
 * @module
 */

export { generateModule, type GenerateOptions } from "./generate.ts";
