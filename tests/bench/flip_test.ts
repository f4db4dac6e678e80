import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { EventCheck } from "../../bench/flip/event_check.ts";
import { flipsAreClean, runFlips } from "../../bench/flip/flip_run.ts";
import { ALWAYS_PORT, SOMETIMES_PORT } from "../../bench/flip/policies.ts";
import {
  EVENT_COOKIE_OFF,
  EVENT_DPORT_OFF,
  EVENT_MATCH_TYPE_OFF,
  EVENT_PROTOCOL_OFF,
  EVENT_REASON_OFF,
  EVENT_REVISION_OFF,
  EVENT_SIZE,
  EVENT_TYPE_OFF,
  EVENT_VERDICT_OFF,
} from "../../src/datapath/layout.ts";
import { tcxTest } from "../demo/tcx_test_case.ts";

tcxTest("runFlips() finds each packet's event to be of one policy, and loses none", async () => {
  const report = await runFlips({ flips: 2000, packets: 20_000, changes: 100 });
  assertEquals(report.mixtures, []);
  assert(flipsAreClean(report), JSON.stringify(report));
  assert(report.flips >= 2000 && report.packets >= 20_000);
  assert(report.changes >= 100);
});

/** An event, in numbers of bpf/consts.h written out. */
function event(
  fields: { type: number; reason: number; verdict: number; match: number; cookie: number },
  revision: number,
  port: number,
): Uint8Array {
  const bytes = new Uint8Array(EVENT_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint8(EVENT_TYPE_OFF, fields.type);
  view.setUint8(EVENT_REASON_OFF, fields.reason);
  view.setUint8(EVENT_VERDICT_OFF, fields.verdict);
  view.setUint8(EVENT_MATCH_TYPE_OFF, fields.match);
  view.setUint32(EVENT_COOKIE_OFF, fields.cookie, true);
  view.setUint32(EVENT_REVISION_OFF, revision, true);
  view.setUint16(EVENT_DPORT_OFF, port);
  view.setUint8(EVENT_PROTOCOL_OFF, 17);
  return bytes;
}

const FIRST = { type: 9, reason: 0, verdict: 1, match: 3, cookie: 0xa1 };
const SECOND = { type: 9, reason: 0, verdict: 1, match: 2, cookie: 0xb1 };
const DENIED = { type: 1, reason: 181, verdict: 2, match: 2, cookie: 0xb1 };

function mixturesOf(events: readonly Uint8Array[]): readonly string[] {
  const check = new EventCheck();
  for (const bytes of events) check.add(bytes, 0);
  return check.report.mixtures;
}

Deno.test("EventCheck takes what each policy says", () => {
  const events = [
    event(FIRST, 1, ALWAYS_PORT),
    event(FIRST, 1, SOMETIMES_PORT),
    event(SECOND, 2, ALWAYS_PORT),
    event(DENIED, 2, SOMETIMES_PORT),
  ];
  assertEquals(mixturesOf(events), []);
});

for (
  const [about, mixed] of [
    ["the first policy's entry under the second's revision", event(FIRST, 2, ALWAYS_PORT)],
    ["the second policy's entry under the first's revision", event(SECOND, 1, ALWAYS_PORT)],
    ["a pass under the policy that denies", event(SECOND, 2, SOMETIMES_PORT)],
    ["a drop under the policy that allows", event(DENIED, 1, SOMETIMES_PORT)],
    [
      "a verdict of one with the cookie of the other",
      event(
        { ...FIRST, cookie: 0xb1 },
        1,
        ALWAYS_PORT,
      ),
    ],
    ["a revision that nobody made", event(FIRST, 3, ALWAYS_PORT)],
  ] as const
) {
  Deno.test(`EventCheck notices ${about}`, () => {
    const [told = ""] = mixturesOf([mixed]);
    assertStringIncludes(told, "expected");
  });
}
