import type { MutationReport, Survivor } from "../verify/mutation/mutate.ts";
import type { OutputFormat } from "./verify_report.ts";

/** Prints the mutation score on standard output. */
export function printMutation(format: OutputFormat, report: MutationReport): void {
  if (format !== "table") return console.log(JSON.stringify(report));
  const { reachable, killed, survived, score, equivalent } = report;
  const { refused, unreached, unreachedCount } = report;
  console.log(`Mutants:       ${reachable} that packets could notice`);
  console.log(`Killed:        ${killed}, ${score} %`);
  console.log(`Survived:      ${survived.length}`);
  console.log(`Equivalent:    ${equivalent.length} that no packet can tell from the original`);
  console.log(`Refused:       ${refused} that the verifier would not load`);
  console.log(`Unreached:     ${unreachedCount} in code that no packet gets to`);
  printSurvivors("Survived", survived);
  printSurvivors("Equivalent", equivalent);
  if (unreached.length > 0) console.log("\nUnreached:");
  for (const { function: name, place } of unreached) console.log(`  ${name}  ${place}`);
}

function printSurvivors(heading: string, survivors: readonly Survivor[]): void {
  for (const [reason, alike] of byReason(survivors)) {
    console.log(`\n${heading}: ${reason}`);
    for (const { name, place, line } of alike) {
      console.log(`  ${name}  ${place}  ${line}`.trimEnd());
    }
  }
}

/** Those without a reason first: they want to be looked at. */
function byReason(survived: readonly Survivor[]): [string, Survivor[]][] {
  const groups = new Map<string, Survivor[]>([[UNKNOWN, []]]);
  for (const survivor of survived) {
    const text = survivor.reason?.text ?? UNKNOWN;
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
