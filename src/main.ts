/**
 * The command line: one command per file of src/cli. This file only dispatches.
 *
 * @module
 */
import { runProgram } from "./cli/program.ts";

Deno.exitCode = await runProgram(Deno.args);
