/**
 * `deno task bench:net`: TCP and UDP between two pods with the programs attached, beside no program
 * and beside the same policy as an nftables ruleset.
 *
 * @module
 */
import { runBenchCommand } from "../command.ts";
import { netSuite } from "./suite.ts";

const ABOUT =
  `Sends TCP and UDP between two network namespaces, through the programs with a policy of 1,024 or
16,384 entries, and in turns through a node without programs, or with the same policy in nftables.
A ratio above 1 means faster than the baseline. Needs root and Linux 6.6; nft for its part.`;

if (import.meta.main) {
  Deno.exit(await runBenchCommand({ task: "bench:net", about: ABOUT, suite: netSuite }, Deno.args));
}
