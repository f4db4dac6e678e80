/**
 * Writes the input of `engine.trace_queries`, to be tried by hand:
 *
 *     deno run -A bench/scale/write_trace_input.ts FOLDER [QUERIES]
 *     deno task twinpath trace -f FOLDER/cluster.json --queries FOLDER/q.jsonl > FOLDER/a.jsonl
 *
 * @module
 */
import { writeTraceInput } from "./trace_input.ts";
import { TRACE_SHAPE } from "./trace_queries.ts";

if (import.meta.main) {
  const [folder, queries = String(TRACE_SHAPE.queries)] = Deno.args;
  if (folder === undefined || !/^[1-9][0-9]{0,7}$/.test(queries)) {
    console.error(
      `Cannot write "${Deno.args.join(" ")}": bad use, expected FOLDER [number of queries]`,
    );
    Deno.exit(2);
  }
  await Deno.mkdir(folder, { recursive: true });
  await writeTraceInput(folder, { ...TRACE_SHAPE, queries: Number(queries) });
}
