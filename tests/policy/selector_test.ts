import { assertEquals } from "@std/assert";
import type { LabelSelector, MatchExpression, Operator } from "../../src/cluster/rule.ts";
import { labelsOf } from "../../src/identity/label.ts";
import { RESERVED_IDENTITIES } from "../../src/identity/reserved.ts";
import { peerSelector, selects, subjectSelector } from "../../src/policy/selector.ts";

const NAMESPACE = "io.kubernetes.pod.namespace";

function written(
  matchLabels: Record<string, string>,
  ...expressions: MatchExpression[]
): LabelSelector {
  return {
    matchLabels: Object.entries(matchLabels).map(([text, value]) => {
      const [source, key] = text.includes(":") ? text.split(":") : ["any", text];
      return { source: source as "any" | "k8s" | "reserved", key: key ?? "", value };
    }),
    matchExpressions: expressions,
  };
}

function expression(key: string, operator: Operator, ...values: string[]): MatchExpression {
  return { source: "any", key, operator, values };
}

function labels(namespace: string, more: Record<string, string> = {}) {
  return labelsOf(
    Object.entries({
      [NAMESPACE]: namespace,
      "io.cilium.k8s.policy.cluster": "default",
      "io.cilium.k8s.namespace.labels.team": "t",
      ...more,
    }).map(([key, value]) => ({ source: "k8s", key, value })),
  );
}

Deno.test("peerSelector() has one key for selectors that mean the same", () => {
  const a = peerSelector(written({ a: "1", b: "2" }), "blue", "default");
  const b = peerSelector(
    written({ b: "2" }, expression("a", "In", "1"), expression("a", "In", "1", "1")),
    "blue",
    "default",
  );
  assertEquals(a.key, b.key);
  const c = peerSelector(written({ a: "1", b: "2" }), "red", "default");
  assertEquals(a.key === c.key, false);
});

Deno.test("peerSelector() is bound to the namespace, unless it names one", () => {
  const bound = (selector: LabelSelector) => peerSelector(selector, "blue", "default").namespaces;
  assertEquals(bound(written({})), ["blue"]);
  assertEquals(bound(written({ [`k8s:${NAMESPACE}`]: "red" })), ["red"]);
  assertEquals(bound(written({}, expression(NAMESPACE, "In", "red", "blue"))), ["blue", "red"]);
  assertEquals(bound(written({}, expression(NAMESPACE, "Exists"))), undefined);
  assertEquals(bound(written({ "io.cilium.k8s.namespace.labels.team": "t" })), undefined);
  assertEquals(bound(written({ "reserved:host": "" })), undefined);
});

Deno.test("peerSelector() selects pods of the local cluster only", () => {
  const selector = peerSelector(written({}, expression(NAMESPACE, "Exists")), "blue", "default");
  assertEquals(selects(selector, labels("red")), true);
  assertEquals(selects(selector, labels("red", { "io.cilium.k8s.policy.cluster": "far" })), false);
  assertEquals(RESERVED_IDENTITIES.filter((identity) => selects(selector, identity.labels)), []);
});

Deno.test("subjectSelector() cannot be led out of the policy's namespace", () => {
  const attempts = [
    written({}),
    written({ [`k8s:${NAMESPACE}`]: "red" }),
    written({ [NAMESPACE]: "red" }),
    written({}, expression(NAMESPACE, "Exists")),
    written({}, { source: "reserved", key: "host", operator: "DoesNotExist", values: [] }),
  ];
  for (const attempt of attempts) {
    const selector = subjectSelector(attempt, "blue");
    assertEquals(selector.namespaces, ["blue"]);
    assertEquals([labels("blue"), labels("red")].map((l) => selects(selector, l)), [true, false]);
  }
});

const OPERATORS: readonly [
  operator: Operator,
  values: string[],
  present: boolean,
  absent: boolean,
][] = [
  ["In", ["x", "y"], true, false],
  ["In", ["y"], false, false],
  ["NotIn", ["x", "y"], false, true],
  ["NotIn", ["y"], true, true],
  ["Exists", [], true, false],
  ["DoesNotExist", [], false, true],
];

for (const [operator, values, present, absent] of OPERATORS) {
  Deno.test(`selects() understands ${operator} ${values}`, () => {
    const selector = subjectSelector(written({}, expression("org", operator, ...values)), "blue");
    assertEquals(selects(selector, labels("blue", { org: "x" })), present);
    assertEquals(selects(selector, labels("blue")), absent);
  });
}

Deno.test("selects() looks where the source says", () => {
  const host = RESERVED_IDENTITIES.find(({ id }) => id === 1)!;
  const selectsHost = (source: string) =>
    selects(peerSelector(written({ [`${source}:host`]: "" }), "blue", "default"), host.labels);
  assertEquals(selectsHost("reserved"), true);
  // Bound to a namespace, which the host has not.
  assertEquals([selectsHost("any"), selectsHost("k8s")], [false, false]);
});
