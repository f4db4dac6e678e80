import { assertEquals } from "@std/assert";
import { parseIpAddress } from "../../src/cluster/ip_address.ts";
import { Decisions, formatDecision, sameDecision } from "../../src/demo/decision.ts";
import type { FlowEvent } from "../../src/demo/event.ts";

const FLOW = {
  source: parseIpAddress("10.1.0.11"),
  destination: parseIpAddress("10.1.0.10"),
  protocol: 6,
  sport: 40000,
  dport: 80,
};
const OTHER = { ...FLOW, sport: 40001 };
const NAMES = {
  rulesOf: () => [
    {
      kind: "CiliumNetworkPolicy",
      namespace: "default",
      name: "p",
      direction: "ingress",
      index: 0,
    } as const,
  ],
};

function event(given: Partial<FlowEvent>): FlowEvent {
  return {
    type: "policy_verdict",
    reason: 0,
    direction: "ingress",
    endpoint: 1,
    cookie: 1,
    flow: FLOW,
    ...given,
  };
}

Deno.test("Decisions waits for the destination's word", () => {
  const decisions = new Decisions(NAMES);
  decisions.add(event({ direction: "egress" }));
  assertEquals(decisions.of(FLOW), undefined);
  decisions.add(event({}));
  assertEquals(formatDecision(decisions.of(FLOW)), "allowed by default/p");
  assertEquals(decisions.of(OTHER), undefined);
});

Deno.test("Decisions takes a drop on either side as final", () => {
  const decisions = new Decisions(NAMES);
  decisions.add(event({ type: "drop", direction: "egress", reason: 133, cookie: 0 }));
  decisions.add(event({}));
  assertEquals(formatDecision(decisions.of(FLOW)), "denied by default/p: policy (egress)");
});

Deno.test("Decisions ignores traces and packets without addresses", () => {
  const decisions = new Decisions(NAMES);
  decisions.add(event({ type: "trace" }));
  decisions.add(event({ flow: undefined }));
  assertEquals(formatDecision(decisions.of(FLOW)), "not decided");
});

Deno.test("sameDecision() sees every difference", () => {
  const a = { allowed: false, reason: "policy", direction: "ingress", policies: ["x"] } as const;
  assertEquals(sameDecision(a, { ...a }), true);
  assertEquals(sameDecision(undefined, undefined), true);
  const others = [
    { ...a, allowed: true },
    { ...a, reason: "policy deny" },
    { ...a, direction: "egress" as const },
    { ...a, policies: [] },
    undefined,
  ];
  assertEquals(others.filter((other) => sameDecision(a, other)), []);
});
