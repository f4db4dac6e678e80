import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { parse } from "yaml";
import type { CiliumNetworkPolicy } from "../../src/cluster/object.ts";
import { readObjects, type ReadResult } from "../../src/cluster/read_objects.ts";
import { policy } from "./_manifest.ts";
import { DEATH_STAR } from "../../src/cluster/scenarios/death_star.ts";

function read(text: string): ReadResult {
  return readObjects([{ name: "p.yaml", text }]);
}

const SELECTOR = "  endpointSelector: {}\n";
const PORT = (port: string) => `${SELECTOR}  ingress: [{ toPorts: [{ ports: [${port}] }] }]`;
Deno.test("readObjects() refuses a wrong object whole and reads the others", () => {
  const good = policy(`${SELECTOR}  ingress: [{}]`);
  const wrong = policy(PORT("{ port: 99999 }")).replace("rule1", "rule2");
  const { objects, errors } = read(`${good}\n---\n${wrong}\n---\nkind: [\n`);
  assertEquals(objects.map(({ name }) => name), ["rule1"]);
  assertEquals(errors.length, 2);
});

Deno.test("readObjects() reads lists, JSON and documents alike", () => {
  const item = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "a" },
    status: { podIP: "10.0.0.1" },
  };
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: [item] }, null, "\t");
  const podList = JSON.stringify({ apiVersion: "v1", kind: "PodList", items: [item] });
  const names = [JSON.stringify(item), list, podList].map((text) => {
    const { objects, errors } = read(text);
    assertEquals(errors, []);
    return objects.map((o) => o.kind === "Pod" && [o.namespace, o.name, o.addresses[0]?.text]);
  });
  assertEquals(names, Array(3).fill([["default", "a", "10.0.0.1"]]));
});

Deno.test("readObjects() warns of unknown fields if it is lenient", () => {
  const text = policy(`${SELECTOR}  ingress: [{ toEndpoints: [{}], fromEndpoints: [{}] }]`);
  const { objects, errors, warnings } = readObjects([{ name: "p.yaml", text }], { lenient: true });
  assertEquals(errors, []);
  assertEquals(objects.map((o) => "specs" in o && o.specs[0]?.ingress), [
    [{ endpoints: [{ matchLabels: [], matchExpressions: [] }] }],
  ]);
  assertEquals(warnings.map(({ message }) => message.split("\n")), [[
    'Read CiliumNetworkPolicy "default/rule1" although spec.ingress[0].toEndpoints is an unknown ' +
    "field, expected one of fromEndpoints, fromCIDR, fromCIDRSet, fromEntities, fromNodes, " +
    "toPorts, icmps, authentication",
    "  at p.yaml:7:15",
    "  did you mean spec.egress[0].toEndpoints?",
  ]]);
});

Deno.test("readObjects() says the same of a policy in YAML and in JSON", () => {
  const text = policy(`${SELECTOR}  ingress: [{ fromCIDR: [10.0.0.0/33] }]`);
  const json = JSON.stringify(parse(text), null, 2);
  const [yamlError, jsonError] = [text, json].map((t) => read(t).errors[0]);
  assertEquals(jsonError?.summary, yamlError?.summary);
  assertEquals(jsonError?.field, "spec.ingress[0].fromCIDR[0]");
  assertEquals([jsonError?.location.line, jsonError?.location.column], [12, 11]);
});

Deno.test("readObjects() refuses a field that is there twice in JSON too", () => {
  const { objects, errors } = read(
    '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","labels":{"a":"b","a":"c"}}}',
  );
  assertEquals(objects, []);
  assertEquals(errors.map(({ message }) => message.split("\n")), [[
    'Cannot read Pod "a": metadata.labels.a is there twice, expected each field once',
    "  at p.yaml:1:74",
  ]]);
});

Deno.test("readObjects() reads JSON values that follow each other", () => {
  const pod = (name: string) => ({ apiVersion: "v1", kind: "Pod", metadata: { name } });
  const { objects, errors } = read(["a", "b"].map((n) => JSON.stringify(pod(n))).join("\n"));
  assertEquals(errors, []);
  assertEquals(objects.map(({ name, location }) => [name, location.line]), [["a", 1], ["b", 2]]);
});

Deno.test("readObjects() takes a typed list's word for what its items are", () => {
  const { objects, errors } = read(`apiVersion: v1
kind: PodList
items: [{ metadata: { name: a } }, null]
`);
  assertEquals(objects.map(({ kind, name }) => [kind, name]), [["Pod", "a"]]);
  assertEquals(errors.map(({ summary }) => summary), [
    "Cannot read PodList: items[1] is empty, expected an object",
  ]);
});

Deno.test("readObjects() says what it expected, however long the names in a manifest are", () => {
  // YAML itself allows no longer field name.
  const long = "x".repeat(1000);
  const texts = [
    policy(`${SELECTOR}  ${long}: 1\n  ingress: [{}]`),
    policy(`${SELECTOR}  ingress: [{}]`).replace("rule1", long),
    policy(`${SELECTOR}  ingress: ${long}`).replace("rule1", `rule1\n  namespace: ${long}`),
  ];
  for (const text of texts) assertMatch(read(text).errors[0]?.summary ?? "", /, expected .{8}/);
});

Deno.test("readObjects() refuses a second definition of an object", () => {
  const text = policy(`${SELECTOR}  ingress: [{}]`);
  const { objects, errors } = read(`${text}\n---\n${text}`);
  assertEquals(objects.length, 1);
  assertEquals(errors.map((error) => error.summary), [
    'Cannot read "CiliumNetworkPolicy/default/rule1": defined before at p.yaml:1, ' +
    "expected one definition",
  ]);
});

Deno.test("readObjects() refuses a pod with an address that readers disagree about", () => {
  const { errors } = read(
    "{apiVersion: v1, kind: Pod, metadata: {name: a}, status: {podIPs: [{ip: 010.0.0.1}]}}",
  );
  assertEquals(errors.map((error) => error.summary), [
    'Cannot read Pod "a": status.podIPs[0].ip is "010.0.0.1", expected an IPv4 or IPv6 address',
  ]);
});

Deno.test("readObjects() reads what was written, not more", () => {
  const { objects, errors } = read(`apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: all, namespace: blue }
specs:
  - endpointSelector: { matchLabels: { k8s:app: web } }
    enableDefaultDeny: { egress: false }
    ingress:
      - {}
      - fromEndpoints: []
      - fromEndpoints: [{}]
        toPorts: [{ ports: [{ port: 80 }, { port: "90", endPort: 99, protocol: udp }] }]
    egress: []
`);
  assertEquals(errors, []);
  const [object] = objects as [CiliumNetworkPolicy];
  const empty = { matchLabels: [], matchExpressions: [] };
  assertEquals(object.specs, [{
    endpointSelector: {
      matchLabels: [{ source: "k8s", key: "app", value: "web" }],
      matchExpressions: [],
    },
    enableDefaultDeny: { egress: false },
    ingress: [
      {},
      { endpoints: [] },
      {
        endpoints: [empty],
        toPorts: [{
          ports: [{ port: 80, protocol: "ANY" }, { port: 90, endPort: 99, protocol: "UDP" }],
        }],
      },
    ],
    egress: [],
  }]);
});

Deno.test("readObjects() follows aliases, but not without end", () => {
  const { objects, errors } = read(policy(`  endpointSelector: &s { matchLabels: { a: b } }
  ingress: [{ fromEndpoints: [*s] }]`));
  assertEquals([objects.length, errors.length], [1, 0]);
  const ten = (name: string) => Array(10).fill(`*${name}`).join();
  const bomb = policy(`  endpointSelector: {}
  description: x
  labels:
    - &a [x]
    - &b [${ten("a")}]
  ingress:
    - fromEndpoints: &e [${Array(50).fill("{}").join()}]
${Array(1100).fill("    - fromEndpoints: *e").join("\n")}`);
  assertMatch(read(bomb).errors[0]?.summary ?? "", /follows too many aliases/);
  const loop = policy("  endpointSelector: &l { matchLabels: *l }\n  ingress: [{}]");
  assertEquals(read(loop).errors.length, 1);
});

Deno.test("readObjects() survives nesting without end", () => {
  for (const depth of [200, 5000, 50000]) {
    const { objects, errors } = read("[".repeat(depth) + "]".repeat(depth));
    assertEquals(objects, []);
    assertMatch(errors[0]?.summary ?? "", /nested too deeply/);
  }
});

Deno.test("readObjects() answers any text with objects or errors of three clean lines", () => {
  const seed = Date.now() % 0x7fffffff;
  console.log(`seed ${seed}`);
  const [head = ""] = DEATH_STAR.text.split("  egress:");
  const cut = fc.tuple(fc.nat(head.length), fc.nat(head.length), fc.string({ maxLength: 8 }))
    .map(([from, to, text]) => head.slice(0, from) + text + head.slice(to));
  fc.assert(
    fc.property(fc.oneof(cut, fc.string(), fc.json()), (text) => {
      for (const error of read(text).errors) {
        assert(error.message.split("\n").length <= 3, error.message);
        // deno-lint-ignore no-control-regex -- none of them may reach a terminal
        assert(!/[\u0000-\u0009\u000b-\u001f]/.test(error.message), error.message);
        assertMatch(error.message, /^Cannot (read|parse) .*, expected .*$/m);
      }
    }),
    { seed, numRuns: 300 },
  );
});

Deno.test("DEATH_STAR is read without errors", () => {
  const { objects, skipped, errors } = readObjects([DEATH_STAR]);
  assertEquals([skipped, errors], [[], []]);
  assertEquals(objects.map(({ kind, name }) => `${kind}/${name}`), [
    "Namespace/default",
    "Pod/deathstar",
    "Pod/tiefighter",
    "Pod/xwing",
    "CiliumNetworkPolicy/deathstar-ingress",
    "CiliumNetworkPolicy/xwing-egress",
  ]);
});
