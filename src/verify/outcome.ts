/**
 * One packet's outcome: what an opinion expects against what a datapath did.
 *
 * @module
 */
import { formatOrigin } from "../policy/cookie.ts";
import type { RuleOrigin } from "../cluster/rule.ts";
import { CT_REPLY, EVENT_DROP } from "../datapath/layout.ts";
import { firstDifference } from "./bytes.ts";
import type { Answer } from "./compare.ts";
import type { EventRecord } from "./event_record.ts";
import type { ExpectedEvent } from "./opinion.ts";
import { actionName, ctStateName, directionName, reasonName } from "./reason_name.ts";
import { proxyDifferences } from "./proxy.ts";
import type { ExpectedOutcome, Meanings } from "./test_packet.ts";

/** Says where an answer is not what was expected; empty when all is well. */
export function outcomeDifferences(
  expected: ExpectedOutcome,
  { output, events }: Answer,
  meanings: Meanings,
): string[] {
  const differences: string[] = [];
  if (output.verdict !== expected.verdict) {
    differences.push(
      `verdict ${actionName(output.verdict)}, expected ${actionName(expected.verdict)}`,
    );
  }
  if (expected.proxy !== undefined) {
    const { redirectAt = () => undefined } = meanings;
    differences.push(...proxyDifferences(expected.proxy, output.mark, redirectAt));
  } else if (output.mark !== expected.mark) {
    differences.push(
      `mark 0x${output.mark.toString(16)}, expected 0x${expected.mark.toString(16)}`,
    );
  }
  const byte = firstDifference(output.data, expected.data);
  if (byte >= 0) {
    differences.push(
      `packet byte ${byte} is ${output.data[byte] ?? "absent"}, ` +
        `expected ${expected.data[byte] ?? "none"}`,
    );
  }
  if (events.length !== expected.events.length) {
    differences.push(`${events.length} events, expected ${expected.events.length}`);
    return differences;
  }
  for (const [i, event] of events.entries()) {
    const wanted = expected.events[i];
    if (wanted !== undefined) differences.push(...eventDifferences(wanted, event, meanings));
  }
  return differences;
}

const FIELDS = [
  "type",
  "reason",
  "direction",
  "endpoint",
  "ctState",
  "source",
  "destination",
] as const;

function eventDifferences(
  expected: ExpectedEvent,
  event: EventRecord,
  { rulesOf }: Meanings,
): string[] {
  const differences: string[] = [];
  for (const field of FIELDS) {
    if (event[field] !== expected[field]) {
      differences.push(`event ${field} ${event[field]}, expected ${expected[field]}`);
    }
  }
  const named = rulesOf(event.cookie);
  if (named === undefined) {
    differences.push(`event cookie ${event.cookie} names no rules, expected those of an entry`);
  } else if (!areAmong(named, expected.rules)) {
    differences.push(`event names ${listed(named)}, expected among ${listed(expected.rules)}`);
  }
  return differences;
}

/**
 * The entry that matched names some of the rules that decide, and at least one when there
 * are any: rules of other entries may allow the same flow.
 */
function areAmong(named: readonly RuleOrigin[], deciding: readonly RuleOrigin[]): boolean {
  if (deciding.length > 0 && named.length === 0) return false;
  const allowed = new Set(deciding.map(formatOrigin));
  return named.every((origin) => allowed.has(formatOrigin(origin)));
}

/** What was expected, in one line. */
export function describeExpected({ verdict, events }: ExpectedOutcome): string {
  return [actionName(verdict), ...events.map((e) => describeEvent(e, e.rules))].join("; ");
}

/** What a datapath did, in one line. */
export function describeAnswer({ output, events }: Answer, { rulesOf }: Meanings): string {
  const described = events.map((e) => describeEvent(e, rulesOf(e.cookie)));
  return [actionName(output.verdict), ...described].join("; ");
}

type EventFacts = Pick<ExpectedEvent, "type" | "reason" | "direction" | "endpoint" | "ctState">;

function describeEvent(event: EventFacts, rules: readonly RuleOrigin[] | undefined): string {
  const what = event.type === EVENT_DROP ? `dropped ${reasonName(event.reason)}` : "allowed";
  const state = ctStateName(event.ctState);
  const by = event.ctState === CT_REPLY ? "" : ` by ${listed(rules)}`;
  return `${directionName(event.direction)} of endpoint ${event.endpoint} ${what} (${state})${by}`;
}

/** Rules by name, for reports. */
export function listed(rules: readonly RuleOrigin[] | undefined): string {
  if (rules === undefined) return "unknown rules";
  return rules.length === 0 ? "no rule" : rules.map(formatOrigin).join(", ");
}
