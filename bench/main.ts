/**
 * `deno task bench`: ratios of the datapath's lookups to their baselines, measured side by
 * side in one run. Figures of two runs are not comparable; ratios are.
 *
 * @module
 */
import { runBenchCommand } from "./command.ts";
import { suite } from "./suite.ts";

const ABOUT = `Measures the datapath's lookups and their baselines side by side.
A ratio above 1 means faster than the baseline. --quick takes 6 policies in place of 60.`;

if (import.meta.main) {
  Deno.exit(await runBenchCommand({ task: "bench", about: ABOUT, suite }, Deno.args));
}
