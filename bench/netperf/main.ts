/**
 * `deno task bench:net`: TCP and UDP between two pods with the programs attached, beside no program
 * and beside the same policy as an nftables ruleset.
 *
 * @module
 */
import { runBenchCommand } from "../command.ts";
import { netSvg } from "./net_plot.ts";
import { netTable } from "./report.ts";
import { netSuite } from "./suite.ts";

const ABOUT =
  `Sends TCP and UDP between two network namespaces, in turns with nothing between them, with the
programs and a policy of 1,024 or 16,384 entries, and with the same policy in nftables (verdict
maps, known connections first). A ratio above 1 means faster than the baseline; the second table has
medians and quartiles of the rounds. Needs root and Linux 6.6; nft for its part.`;

if (import.meta.main) {
  const command = {
    task: "bench:net",
    about: ABOUT,
    suite: netSuite,
    report: netTable,
    draw: netSvg,
  };
  Deno.exit(await runBenchCommand(command, Deno.args));
}
