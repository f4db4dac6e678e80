import { assertEquals } from "@std/assert";
import { parseIpAddress } from "../../src/cluster/ip_address.ts";
import type { FlowEvent, FlowTuple } from "../../src/demo/event.ts";
import { type EventNames, formatEvent, reasonName } from "../../src/demo/sentence.ts";

const NAMES: EventNames = {
  ownerOf: (address) =>
    new Map([["10.1.0.10", "deathstar"], ["fd00::11", "tiefighter"], ["10.1.0.11", "tiefighter"]])
      .get(address),
  rulesOf: (cookie) =>
    cookie === 0 ? [] : cookie > 9 ? undefined : Array.from({ length: cookie }, (_, index) => ({
      kind: "CiliumNetworkPolicy",
      namespace: "default",
      name: index < 2 ? "deathstar-ingress" : "other",
      direction: "ingress",
      index,
    })),
};

function flow(source: string, destination: string, protocol: number, dport: number): FlowTuple {
  return {
    source: parseIpAddress(source),
    destination: parseIpAddress(destination),
    protocol,
    sport: 1,
    dport,
  };
}

function event(given: Partial<FlowEvent>): FlowEvent {
  return {
    type: "policy_verdict",
    reason: 0,
    direction: "ingress",
    endpoint: 1,
    cookie: 0,
    flow: flow("10.1.0.11", "10.1.0.10", 6, 80),
    ...given,
  };
}

const CASES: readonly (readonly [Partial<FlowEvent>, string])[] = [
  [{ cookie: 1 }, "tiefighter → deathstar:80/TCP allowed by default/deathstar-ingress"],
  [
    { cookie: 3 },
    "tiefighter → deathstar:80/TCP allowed by default/deathstar-ingress, default/other",
  ],
  [{}, "tiefighter → deathstar:80/TCP allowed: no policy"],
  [{ cookie: 10 }, "tiefighter → deathstar:80/TCP allowed by policies no longer known"],
  [{ type: "drop", reason: 133 }, "tiefighter ✗ deathstar:80/TCP denied: policy"],
  [
    { type: "drop", reason: 133, direction: "egress" },
    "tiefighter ✗ deathstar:80/TCP denied: policy (egress)",
  ],
  [
    { type: "drop", reason: 181, cookie: 1 },
    "tiefighter ✗ deathstar:80/TCP denied by default/deathstar-ingress: policy deny",
  ],
  [
    { type: "drop", reason: 132, direction: "egress", flow: flow("fd00::11", "fd00::9", 17, 53) },
    "tiefighter ✗ [fd00::9]:53/UDP denied: invalid sip (egress, IPv6)",
  ],
  [
    { flow: flow("10.9.9.9", "10.1.0.10", 1, 8) },
    "10.9.9.9 → deathstar:8/ICMP allowed: no policy",
  ],
  [{ type: "trace", reason: 240 }, "tiefighter · deathstar:80/TCP slot fallback"],
  [{ type: "drop", reason: 139, flow: undefined }, "unknown ✗ unknown denied: unknown l3"],
];

for (const [given, sentence] of CASES) {
  Deno.test(`formatEvent() says "${sentence}"`, () => {
    assertEquals(formatEvent(event(given), NAMES), sentence);
  });
}

Deno.test("reasonName() has a text for reasons that it does not know", () => {
  assertEquals(reasonName(133), "policy");
  assertEquals(reasonName(99), "reason 99");
});
