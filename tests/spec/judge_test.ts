import { assertEquals } from "@std/assert";
import { type Circumstances, judge } from "../../src/spec/judge.ts";
import type { Cover, Statement } from "../../src/spec/statement.ts";

const COVERED: readonly Cover[] = [{ isForEveryone: false, narrowness: 0 }];
const AROUND: Circumstances = {
  closed: false,
  isAlwaysAllowed: false,
  direction: "ingress",
  request: undefined,
};

function says(name: string, fields: Partial<Statement>): Statement {
  return {
    origin: {
      kind: "CiliumNetworkPolicy",
      namespace: "blue",
      name,
      direction: "ingress",
      index: 0,
    },
    tier: "Normal",
    level: [],
    effect: "allow",
    defaultDeny: false,
    covering: COVERED,
    ...fields,
  };
}

interface Row {
  readonly description: string;
  readonly statements: readonly Statement[];
  readonly around?: Partial<Circumstances>;
  /** `verdict reason: names of the rules behind it`. */
  readonly verdict: string;
}

const ADMIN = { tier: "Admin", level: [1, 0] } as const;
const BASELINE = { tier: "Baseline", level: [1, 0] } as const;
const CLOSED = says("closed", { defaultDeny: true, covering: [] });

const TABLE: readonly Row[] = [
  { description: "nobody says anything", statements: [], verdict: "allow" },
  {
    description: "a rule about something else",
    statements: [says("a", { covering: [] })],
    verdict: "allow",
  },
  { description: "closed and not opened", statements: [CLOSED], verdict: "deny 133" },
  { description: "closed and opened", statements: [CLOSED, says("a", {})], verdict: "allow: a" },
  {
    description: "denied beats allowed",
    statements: [says("a", {}), says("b", { effect: "deny" })],
    verdict: "deny 181: b",
  },
  {
    description: "all denials are named",
    statements: [says("a", { effect: "deny" }), says("b", { effect: "deny" })],
    verdict: "deny 181: a b",
  },
  {
    description: "Admin before Normal",
    statements: [says("a", ADMIN), says("b", { effect: "deny" })],
    verdict: "allow: a",
  },
  {
    description: "a lower level first",
    statements: [
      says("a", { ...ADMIN, level: [2, 0] }),
      says("b", { ...ADMIN, effect: "deny", level: [1, 9] }),
    ],
    verdict: "deny 181: b",
  },
  {
    description: "within a level deny",
    statements: [
      says("a", ADMIN),
      says("b", { ...ADMIN, effect: "deny" }),
      says("c", { ...ADMIN, effect: "pass" }),
    ],
    verdict: "deny 181: b",
  },
  {
    description: "a pass leaves its tier",
    statements: [
      says("a", { ...ADMIN, effect: "pass" }),
      says("b", { ...ADMIN, effect: "deny", level: [2, 0] }),
    ],
    verdict: "allow",
  },
  {
    description: "a pass to what is closed",
    statements: [says("a", { ...ADMIN, effect: "pass" }), CLOSED],
    verdict: "deny 181: default-deny",
  },
  {
    description: "Normal closes before Baseline",
    statements: [CLOSED, says("a", BASELINE)],
    verdict: "deny 133",
  },
  {
    description: "Baseline where Normal is open",
    statements: [says("a", { ...BASELINE, effect: "deny" })],
    verdict: "deny 181: a",
  },
  {
    description: "mode always after Baseline",
    statements: [says("a", BASELINE)],
    around: { closed: true },
    verdict: "allow: a",
  },
  {
    description: "mode always closes",
    statements: [],
    around: { closed: true },
    verdict: "deny 133",
  },
  {
    description: "the host where it is closed",
    statements: [CLOSED],
    around: { isAlwaysAllowed: true },
    verdict: "allow: allow-localhost",
  },
  {
    description: "the host where it is open",
    statements: [],
    around: { isAlwaysAllowed: true },
    verdict: "allow",
  },
  {
    description: "the host, denied",
    statements: [CLOSED, says("a", { effect: "deny" })],
    around: { isAlwaysAllowed: true },
    verdict: "deny 181: a",
  },
];

for (const { description, statements, around, verdict } of TABLE) {
  Deno.test(`judge(): ${description}`, () => {
    const said = judge(statements, { ...AROUND, ...around });
    const reason = said.reason === undefined ? "" : ` ${said.reason}`;
    const names = said.rules.length === 0 ? "" : `: ${said.rules.map((r) => r.name).join(" ")}`;
    assertEquals(`${said.verdict}${reason}${names}`, verdict);
  });
}

const HTTP: Cover = { ...COVERED[0]!, l7: { kind: "http", rules: [{ method: "GET" }] } };
const DNS: Cover = { ...COVERED[0]!, l7: { kind: "dns", rules: [{ matchName: "a" }] } };

Deno.test("judge() gives a port to the older policy's protocol", () => {
  const young = says("young", { covering: [DNS], createdAt: 2, defaultDeny: true });
  const old = says("old", { covering: [HTTP], createdAt: 1 });
  const { redirect, rules } = judge([young, old], AROUND);
  assertEquals([redirect, rules.map(({ name }) => name)], [{ kind: "http" }, ["old"]]);
});

Deno.test("judge() gives a port to the first policy by name where age does not tell", () => {
  const { redirect } = judge(
    [says("b", { covering: [HTTP], defaultDeny: true }), says("a", { covering: [DNS] })],
    AROUND,
  );
  assertEquals(redirect, { kind: "dns" });
});

Deno.test("judge() lets requests through where a rule asks nothing of them", () => {
  const request = { kind: "http", http: { method: "POST", path: "/" } } as const;
  const closed = says("a", { covering: [HTTP], defaultDeny: true });
  const verdicts = [[closed], [closed, says("b", {})], [{ ...closed, defaultDeny: false }]]
    .map((statements) => judge(statements, { ...AROUND, request }).redirect?.verdict);
  assertEquals(verdicts, ["deny", "allow", "allow"]);
});
