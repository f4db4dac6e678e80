import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import type { CiliumNetworkPolicy } from "../../src/cluster/object.ts";
import { readObjects, type ReadResult } from "../../src/cluster/read_objects.ts";
import { DEATH_STAR } from "../../src/cluster/scenarios/death_star.ts";

function read(text: string): ReadResult {
  return readObjects([{ name: "p.yaml", text }]);
}

/** A policy named default/rule1 around the given lines; `spec:` is line 5. */
function policy(spec: string): string {
  return `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: rule1
spec:
${spec}`;
}

const SELECTOR = "  endpointSelector: {}\n";
const PORT = (port: string) => `${SELECTOR}  ingress: [{ toPorts: [{ ports: [${port}] }] }]`;
const SPEC_FIELDS = "expected one of endpointSelector, ingress, ingressDeny, egress, egressDeny, " +
  "enableDefaultDeny, log, description, labels";

interface Wrong {
  readonly description: string;
  readonly text: string;
  /** The whole message. */
  readonly message: string;
}

const IN_RULE1 = 'Cannot read CiliumNetworkPolicy "default/rule1": ';

const WRONG: readonly Wrong[] = [
  {
    description: "the talk's slide: toPorts one level too high",
    text: policy(`  endpointSelector:
    matchLabels: { org: empire, class: deathstar }
  ingress:
    - fromEndpoints:
        - matchLabels: { org: empire }
  toPorts:
    - ports:
        - { port: "80", protocol: TCP }`),
    message: `${IN_RULE1}spec.toPorts is an unknown field, ${SPEC_FIELDS}
  at p.yaml:11:3
  did you mean spec.ingress[0].toPorts?`,
  },
  {
    description: "the same under egress",
    text: policy(`${SELECTOR}  egress: [{}]\n  toPorts: []`),
    message: `${IN_RULE1}spec.toPorts is an unknown field, ${SPEC_FIELDS}
  at p.yaml:8:3
  did you mean spec.egress[0].toPorts?`,
  },
  {
    description: "a misspelt field",
    text: policy("  endpointSelecter: {}\n  ingress: [{}]"),
    message: `${IN_RULE1}spec.endpointSelecter is an unknown field, ${SPEC_FIELDS}
  at p.yaml:6:3
  did you mean spec.endpointSelector?`,
  },
  {
    description: "a field that nobody knows",
    text: policy(`${SELECTOR}  ingress: [{}]\n  colour: red`),
    message: `${IN_RULE1}spec.colour is an unknown field, ${SPEC_FIELDS}\n  at p.yaml:8:3`,
  },
  {
    description: "a YAML syntax error",
    text: policy("  endpointSelector: [\n  ingress: {}"),
    message:
      'Cannot parse "p.yaml": Flow sequence in block collection must be sufficiently indented ' +
      "and end with a ], expected YAML\n  at p.yaml:7:3",
  },
  {
    description: "an empty namespace",
    text: policy(`${SELECTOR}  ingress: [{}]`).replace("rule1", 'rule1\n  namespace: ""'),
    message: `Cannot read CiliumNetworkPolicy "rule1": metadata.namespace is empty, ` +
      "expected a namespace name, or no namespace field for the default one\n  at p.yaml:5:14",
  },
  {
    description: "a misspelt namespace",
    text: policy(`${SELECTOR}  ingress: [{}]`).replace("rule1", "rule1\n  namspace: blue"),
    message: 'Cannot read CiliumNetworkPolicy "rule1": metadata.namspace is an unknown field, ' +
      "expected one of name, namespace, labels, annotations, generateName, selfLink, uid, " +
      "resourceVersion, generation, creationTimestamp, deletionTimestamp, " +
      "deletionGracePeriodSeconds, ownerReferences, finalizers, managedFields\n" +
      "  at p.yaml:5:3\n  did you mean metadata.namespace?",
  },
  {
    description: "misspelt metadata",
    text: policy(`${SELECTOR}  ingress: [{}]`).replace("metadata", "metdata"),
    message: "Cannot read CiliumNetworkPolicy: metdata is an unknown field, " +
      "expected one of apiVersion, kind, metadata, spec, specs, status\n" +
      "  at p.yaml:3:1\n  did you mean metadata?",
  },
  {
    description: "port 99999",
    text: policy(PORT('{ port: "99999" }')),
    message: `${IN_RULE1}spec.ingress[0].toPorts[0].ports[0].port is "99999", ` +
      "expected a port number or name, 0 to 65535 without leading zeros\n  at p.yaml:7:43",
  },
  {
    description: "a port with a leading zero",
    text: policy(PORT("{ port: 080 }")),
    message: `${IN_RULE1}spec.ingress[0].toPorts[0].ports[0].port is "080", ` +
      "expected a port number or name, 0 to 65535 without leading zeros\n  at p.yaml:7:43",
  },
  {
    description: "a hexadecimal port",
    text: policy(PORT("{ port: 0x50 }")),
    message: `${IN_RULE1}spec.ingress[0].toPorts[0].ports[0].port is not supported yet ` +
      "(named ports), expected a policy without it\n  at p.yaml:7:43",
  },
  {
    description: "a named port",
    text: policy(PORT("{ port: http }")),
    message: `${IN_RULE1}spec.ingress[0].toPorts[0].ports[0].port is not supported yet ` +
      "(named ports), expected a policy without it\n  at p.yaml:7:43",
  },
  {
    description: "a range that ends before it starts",
    text: policy(PORT('{ port: "90", endPort: 80 }')),
    message: `${IN_RULE1}spec.ingress[0].toPorts[0].ports[0].endPort is 80, below port 90, ` +
      "expected 90 to 65535\n  at p.yaml:7:58",
  },
  {
    description: "a range without a start",
    text: policy(PORT("{ endPort: 80 }")),
    message: `${IN_RULE1}spec.ingress[0].toPorts[0].ports[0].endPort is set without a port, ` +
      "expected port, the first of the range\n  at p.yaml:7:46",
  },
  {
    description: "more than 40 ports",
    text: policy(PORT(Array.from({ length: 41 }, (_, i) => `{ port: ${i + 1} }`).join())),
    message: `${IN_RULE1}spec.ingress[0].toPorts[0].ports has 41 ports, expected at most 40\n` +
      "  at p.yaml:7:34",
  },
  {
    description: "no port at all",
    text: policy(`${SELECTOR}  ingress: [{ toPorts: [{}] }]`),
    message: `${IN_RULE1}spec.ingress[0].toPorts[0] has no ports, expected ports\n  at p.yaml:7:25`,
  },
  {
    description: "a misspelt protocol",
    text: policy(PORT('{ port: "80", protocol: TPC }')),
    message: `${IN_RULE1}spec.ingress[0].toPorts[0].ports[0].protocol is "TPC", ` +
      "expected one of TCP, UDP, SCTP, ANY\n  at p.yaml:7:59",
  },
  {
    description: "no endpointSelector",
    text: policy("  ingress: [{}]"),
    message: `${IN_RULE1}spec has no endpointSelector, ` +
      "expected endpointSelector ({} selects every pod of the namespace)\n  at p.yaml:6:3",
  },
  {
    description: "neither ingress nor egress",
    text: policy(SELECTOR),
    message: `${IN_RULE1}spec has no rules, ` +
      "expected at least one in ingress, ingressDeny, egress, egressDeny ({} is one)\n" +
      "  at p.yaml:6:3",
  },
  {
    description: "neither spec nor specs",
    text: policy(""),
    message: `${IN_RULE1}has neither spec nor specs, expected spec\n  at p.yaml:1:1`,
  },
  {
    description: "an operator in lower case",
    text: policy(
      "  endpointSelector: { matchExpressions: [{ key: a, operator: in, values: [b] }] }",
    ),
    message: `${IN_RULE1}spec.endpointSelector.matchExpressions[0].operator is "in", ` +
      "expected one of In, NotIn, Exists, DoesNotExist\n  at p.yaml:6:62\n  did you mean In?",
  },
  {
    description: "In without values",
    text: policy("  endpointSelector: { matchExpressions: [{ key: a, operator: In }] }"),
    message: `${IN_RULE1}spec.endpointSelector.matchExpressions[0] has no values for In, ` +
      "expected at least one\n  at p.yaml:6:42",
  },
  {
    description: "Exists with values",
    text: policy(
      "  endpointSelector: { matchExpressions: [{ key: a, operator: Exists, values: [b] }] }",
    ),
    message: `${IN_RULE1}spec.endpointSelector.matchExpressions[0] has values for Exists, ` +
      "expected none\n  at p.yaml:6:42",
  },
  {
    description: "a number as a label value",
    text: policy("  endpointSelector: { matchLabels: { tier: 1 } }"),
    message: `${IN_RULE1}spec.endpointSelector.matchLabels.tier is 1, ` +
      "expected a string (quote it)\n  at p.yaml:6:44",
  },
  {
    description: "an unknown label source",
    text: policy('  endpointSelector: { matchLabels: { "k8:tier": web } }'),
    message: `${IN_RULE1}spec.endpointSelector.matchLabels.k8:tier has the unknown label source ` +
      '"k8", expected one of any, k8s, reserved, cidr, cidrgroup, fqdn, node\n  at p.yaml:6:49\n  did you mean k8s?',
  },
  {
    description: "a list where an object belongs",
    text: policy("  endpointSelector: []"),
    message: `${IN_RULE1}spec.endpointSelector is a list, expected an object\n  at p.yaml:6:21`,
  },
  {
    description: "an unknown anchor",
    text: policy("  endpointSelector: *nowhere\n  ingress: [{}]"),
    message: `${IN_RULE1}spec.endpointSelector refers to an unknown anchor *nowhere, ` +
      "expected an anchor\n  at p.yaml:6:21",
  },
  {
    description: "the same field twice",
    text: policy(`${SELECTOR}  ingress: [{}]\n  ingress: []`),
    message: 'Cannot parse "p.yaml": Map keys must be unique, expected YAML\n  at p.yaml:8:3',
  },
  {
    description: "another version",
    text: policy(`${SELECTOR}  ingress: [{}]`).replace("cilium.io/v2", "cilium.io/v2alpha1"),
    message: 'Cannot read CiliumNetworkPolicy "rule1": apiVersion is "cilium.io/v2alpha1", ' +
      "expected cilium.io/v2\n  at p.yaml:1:13",
  },
];

for (const { description, text, message } of WRONG) {
  Deno.test(`readObjects() refuses ${description}`, () => {
    const { objects, errors } = read(text);
    assertEquals(errors.map((error) => error.message), [message]);
    assertEquals(objects, []);
    assert(message.split("\n").length <= 3);
  });
}

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
