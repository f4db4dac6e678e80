/**
 * `@std/assert`: the assertions of Deno's standard library, with types.
 *
 * This folder is the only place that names the package the standard library is
 * fetched from; code imports `@std/assert`, and moving to another registry edits
 * `deno.json` alone.
 *
 * @module
 */
// @ts-types="./assert.d.ts"
export * from "deno-std/assert/mod.js";
