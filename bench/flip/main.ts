/**
 * `deno task flip:kernel [--flips 1000000] [--packets 1000000]`: the flip test in the kernel for as
 * long as it takes. Exits 1 if a packet got a verdict of neither policy, or was lost.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { missingFeature } from "../../src/demo/missing_feature.ts";
import { Progress } from "../progress.ts";
import { flipsAreClean, runFlips } from "./flip_run.ts";

const MILLION = "1000000";
/** Counters have 32 bits, and senders as many flows. */
const MOST = { flips: 1e9, packets: 4e6 } as const;

function wholeNumber(name: keyof typeof MOST, text: string): number {
  const value = Number(text);
  if (/^[0-9]+$/.test(text) && value > 0 && value <= MOST[name]) return value;
  console.error(`Cannot use --${name} "${text}": no such number, expected 1 to ${MOST[name]}`);
  Deno.exit(2);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      flips: { type: "string", default: MILLION },
      packets: { type: "string", default: MILLION },
      output: { type: "string", short: "o", default: "table" },
    },
  });
  using progress = new Progress();
  const report = await runFlips({
    flips: wholeNumber("flips", values.flips),
    packets: wholeNumber("packets", values.packets),
    onProgress: (flips, packets) => progress.show(`${flips} flips, ${packets} packets`),
  });
  progress[Symbol.dispose]();
  if (values.output === "json") console.log(JSON.stringify(report, undefined, 2));
  else {
    const { flips, seconds, packets, events, judged, changes, mixed, cpus } = report;
    const { alwaysAllowed, arrived, eventsLost } = report;
    console.log(
      `${flips} flips in ${seconds.toFixed(1)} s under ${packets} packets on ${cpus} CPUs\n` +
        `${events} events, by policy ${judged.join(" and ")}, ${changes} changes between two ` +
        `events, ${mixed} mixed, ${eventsLost} lost\n` +
        `${arrived} of ${alwaysAllowed} packets that both policies allow arrived`,
    );
  }
  for (const line of report.mixtures) console.error(`mixed: ${line}`);
  return flipsAreClean(report) ? 0 : 1;
}

if (import.meta.main) {
  try {
    Deno.exitCode = await main();
  } catch (error) {
    const reason = missingFeature(error);
    if (reason === undefined || Deno.env.get("TWINPATH_REQUIRE_KERNEL") === "1") throw error;
    console.log(`The flip test is skipped: ${reason}`);
  }
}
