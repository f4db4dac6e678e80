import { assertEquals } from "@std/assert";
import type { CiliumNetworkPolicy, Pod } from "../../src/cluster/object.ts";
import { readObjects } from "../../src/cluster/read_objects.ts";
import { DEATH_STAR } from "../../src/cluster/scenarios/death_star.ts";
import { evaluate } from "../../src/spec/evaluate.ts";
import { podPeer, reservedPeer, unknownPeer } from "../../src/spec/peer.ts";

const { objects } = readObjects([DEATH_STAR]);
const policies = objects.filter((o): o is CiliumNetworkPolicy => o.kind === "CiliumNetworkPolicy");

function mustFind(name: string) {
  const pod = objects.find((o): o is Pod => o.kind === "Pod" && o.name === name);
  if (pod === undefined) throw new TypeError(`Cannot find pod "${name}": not in the scenario`);
  return podPeer(pod, undefined);
}

const ENDS = {
  deathstar: mustFind("deathstar"),
  tiefighter: mustFind("tiefighter"),
  xwing: mustFind("xwing"),
  host: reservedPeer("host"),
  world: unknownPeer(6),
};

type Side = readonly [verdict: string, enforced: boolean, ...rules: string[]];

interface Row {
  readonly description: string;
  readonly source: keyof typeof ENDS;
  readonly destination: keyof typeof ENDS;
  readonly protocol: number;
  readonly port: number;
  readonly egress: Side;
  readonly ingress: Side;
}

const OPEN: Side = ["allow", false];

const TABLE: readonly Row[] = [
  {
    description: "the tiefighter requests landing",
    source: "tiefighter",
    destination: "deathstar",
    protocol: 6,
    port: 80,
    egress: OPEN,
    ingress: ["allow", true, "deathstar-ingress[0]"],
  },
  {
    description: "the xwing is let go, and is not let in",
    source: "xwing",
    destination: "deathstar",
    protocol: 6,
    port: 80,
    egress: ["allow", true, "xwing-egress[0]"],
    ingress: ["deny", true],
  },
  {
    description: "the xwing listens to the beacon",
    source: "xwing",
    destination: "deathstar",
    protocol: 17,
    port: 123,
    egress: ["allow", true, "xwing-egress[1]"],
    ingress: ["allow", true, "deathstar-ingress[2]"],
  },
  {
    description: "telemetry ends at the end of its range",
    source: "tiefighter",
    destination: "deathstar",
    protocol: 17,
    port: 8096,
    egress: OPEN,
    ingress: ["deny", true],
  },
  {
    description: "the xwing keeps silent towards its own",
    source: "xwing",
    destination: "xwing",
    protocol: 6,
    port: 80,
    egress: ["deny", true],
    ingress: OPEN,
  },
  {
    description: "the host may ping",
    source: "host",
    destination: "deathstar",
    protocol: 1,
    port: 8,
    egress: OPEN,
    ingress: ["allow", true, "allow-localhost[0]"],
  },
  {
    description: "the galaxy may not",
    source: "world",
    destination: "deathstar",
    protocol: 58,
    port: 128,
    egress: OPEN,
    ingress: ["deny", true],
  },
];

for (const { description, source, destination, protocol, port, egress, ingress } of TABLE) {
  Deno.test(`evaluate(): ${description}`, () => {
    const flow = { source: ENDS[source], destination: ENDS[destination], protocol, port };
    const verdict = evaluate(policies, flow);
    const sides = [verdict.egress, verdict.ingress].map((side) => [
      side.verdict,
      side.enforced,
      ...side.rules.map(({ name, index }) => `${name}[${index}]`),
    ]);
    assertEquals(sides, [[...egress], [...ingress]]);
    assertEquals(verdict.ingress.reason, ingress[0] === "deny" ? 133 : undefined);
  });
}

Deno.test("evaluate() without allowLocalhost treats the host like everyone", () => {
  const flow = { source: ENDS.host, destination: ENDS.deathstar, protocol: 1, port: 8 };
  const { ingress } = evaluate(policies, flow, { allowLocalhost: false });
  assertEquals([ingress.verdict, ingress.reason], ["deny", 133]);
});
