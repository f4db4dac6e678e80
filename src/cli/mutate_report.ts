import type { MutationReport, Survivor } from "../verify/mutation/mutate.ts";
import type { OutputFormat } from "./verify_report.ts";

/** Prints the mutation score on standard output. */
export function printMutation(format: OutputFormat, report: MutationReport): void {
  if (format !== "table") return console.log(JSON.stringify(report));
  const { reachable, killed, equivalent, survived, refused, unreached, unreachedCount } = report;
  console.log(
    `Mutants:       ${reachable} reachable, ${killed} killed, ${survived.length} survived`,
  );
  console.log(`Equivalent:    ${equivalent} of the survivors, which no packet can tell apart`);
  console.log(`Score:         ${report.score} % of those that are not equivalent`);
  console.log(`Refused:       ${refused} that the verifier would not load`);
  console.log(`Unreached:     ${unreachedCount} in code that no packet gets to`);
  for (const [reason, survivors] of byReason(survived)) {
    console.log(`\nSurvived: ${reason}`);
    for (const { name, place, line } of survivors) {
      console.log(`  ${name}  ${place}  ${line}`.trimEnd());
    }
  }
  if (unreached.length > 0) console.log("\nUnreached:");
  for (const { function: name, place } of unreached) console.log(`  ${name}  ${place}`);
}

/** Those without a reason first: they want to be looked at. */
function byReason(survived: readonly Survivor[]): [string, Survivor[]][] {
  const groups = new Map<string, Survivor[]>([[UNKNOWN, []]]);
  for (const survivor of survived) {
    const { reason } = survivor;
    const text = reason === undefined
      ? UNKNOWN
      : `${reason.text}${reason.equivalent ? "" : " (counts against the score)"}`;
    groups.set(text, [...groups.get(text) ?? [], survivor]);
  }
  return [...groups].filter(([, survivors]) => survivors.length > 0);
}

const UNKNOWN = "no reason known";

/** Says that mutants cannot be tried here: they are mutants of the kernel's programs. */
export function printSkipped(format: OutputFormat, reason: string): void {
  if (format === "table") console.log(`Mutants:       left out, ${reason}`);
  else console.log(JSON.stringify({ kernel: "skipped", reason }));
}
