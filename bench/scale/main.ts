/**
 * `deno task bench:scale`: what one node of a large cluster pays for a change, measured beside
 * what it would pay otherwise.
 *
 * @module
 */
import { runBenchCommand } from "../command.ts";
import { scaleSuite } from "./suite.ts";

const ABOUT = `Measures the policy engine on synthetic clusters of up to 1,000 nodes, 60,000 pods,
10,000 identities and 5,000 policies, from the view of one node with 60 pods.
A ratio above 1 means faster, or smaller, than the baseline. --quick leaves out the full size.`;

if (import.meta.main) {
  Deno.exit(
    await runBenchCommand({ task: "bench:scale", about: ABOUT, suite: scaleSuite }, Deno.args),
  );
}
