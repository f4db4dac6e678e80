/** Verdicts by hand, each after public documentation, asked of both opinions. */
import { assertEquals } from "@std/assert";
import type { CiliumNetworkPolicy, Namespace, Pod } from "../../src/cluster/object.ts";
import { readObjects } from "../../src/cluster/read_objects.ts";
import { RESERVED } from "../../src/identity/reserved.ts";
import { compileCluster } from "../../src/policy/compile_cluster.ts";
import { lookup } from "../../src/policy/lookup.ts";
import { evaluate } from "../../src/spec/evaluate.ts";
import { podPeer, reservedPeer } from "../../src/spec/peer.ts";

const DOCS = "https://docs.cilium.io/en/stable/security/policy";
const CODE = "https://github.com/cilium/cilium/blob/v1.19.0/pkg";

const CLUSTER = `
apiVersion: v1
kind: List
items:
  - { apiVersion: v1, kind: Namespace, metadata: { name: blue, labels: { team: a } } }
  - { apiVersion: v1, kind: Namespace, metadata: { name: red, labels: { team: b } } }
  - apiVersion: v1
    kind: Pod
    metadata: { name: web, namespace: blue, labels: { app: web, pod-template-hash: abc } }
    status: { podIP: 10.0.0.1 }
  - apiVersion: v1
    kind: Pod
    metadata: { name: db, namespace: blue, labels: { app: db } }
    spec: { serviceAccountName: database }
    status: { podIP: 10.0.0.2 }
  - apiVersion: v1
    kind: Pod
    metadata: { name: web, namespace: red, labels: { app: web } }
    status: { podIP: 10.0.0.3 }
`;

interface Row {
  readonly description: string;
  readonly source: string;
  /** `spec` of a policy in namespace blue, in flow style. */
  readonly policy: string;
  /** `namespace/pod`, or a reserved label. */
  readonly from: string;
  readonly to: string;
  /** `80/TCP`; ICMP is `8/ICMP`. */
  readonly port: string;
  readonly verdict: "allowed" | "denied at egress" | "denied at ingress";
}

const DB = "endpointSelector: { matchLabels: { app: db } }";
const WEB = "endpointSelector: { matchLabels: { app: web } }";
const tcp80 = "toPorts: [{ ports: [{ port: '80', protocol: TCP }] }]";

/** Rows that differ in the flow only. */
function rows(
  source: string,
  policy: string,
  flows: readonly (readonly [string, string, string, string, Row["verdict"]])[],
): Row[] {
  return flows.map(([description, from, to, port, verdict]) => ({
    description,
    source,
    policy,
    from,
    to,
    port,
    verdict,
  }));
}

const TABLE: readonly Row[] = [
  ...rows(
    `${DOCS}/intro/#endpoint-default-policy`,
    `${DB}, ingress: [{ fromEndpoints: [{ matchLabels: { app: web } }] }]`,
    [
      [
        "a selected endpoint accepts what a rule allows",
        "blue/web",
        "blue/db",
        "80/TCP",
        "allowed",
      ],
      ["an L3 rule allows every protocol", "blue/web", "blue/db", "8/ICMP", "allowed"],
      [
        "a selected endpoint drops what no rule allows",
        "blue/db",
        "blue/db",
        "80/TCP",
        "denied at ingress",
      ],
      [
        "an endpoint that is not selected accepts everything",
        "blue/db",
        "blue/web",
        "80/TCP",
        "allowed",
      ],
      ["an ingress rule does not restrict egress", "blue/db", "red/web", "80/TCP", "allowed"],
      ["the world is not an endpoint", "world-ipv4", "blue/db", "80/TCP", "denied at ingress"],
    ],
  ),
  ...rows(`${DOCS}/kubernetes/#namespaces`, `${DB}, ingress: [{ fromEndpoints: [{}] }]`, [
    [
      "an empty peer selector is every endpoint of the policy's namespace",
      "blue/web",
      "blue/db",
      "80/TCP",
      "allowed",
    ],
    ["and none of another namespace", "red/web", "blue/db", "80/TCP", "denied at ingress"],
    ["and not the world", "world-ipv6", "blue/db", "80/TCP", "denied at ingress"],
    ["and not a remote node", "remote-node", "blue/db", "80/TCP", "denied at ingress"],
  ]),
  ...rows(
    `${DOCS}/kubernetes/#namespaces`,
    `${DB}, ingress: [{ fromEndpoints: [{ matchLabels: { "k8s:io.kubernetes.pod.namespace": red } }] }]`,
    [
      ["a peer selector may name another namespace", "red/web", "blue/db", "80/TCP", "allowed"],
      ["which leaves the own one out", "blue/web", "blue/db", "80/TCP", "denied at ingress"],
    ],
  ),
  ...rows(
    `${DOCS}/kubernetes/#namespaces`,
    `${DB}, ingress: [{ fromEndpoints: [{ matchLabels: { "io.cilium.k8s.namespace.labels.team": b } }] }]`,
    [
      [
        "a peer selector may use the labels of namespaces",
        "red/web",
        "blue/db",
        "80/TCP",
        "allowed",
      ],
      [
        "which do not have to be the own one's",
        "blue/web",
        "blue/db",
        "80/TCP",
        "denied at ingress",
      ],
    ],
  ),
  ...rows(
    `${CODE}/k8s/apis/cilium.io/utils/utils.go (ParseToCiliumRule)`,
    `endpointSelector: { matchLabels: { "k8s:io.kubernetes.pod.namespace": red, app: web } }, ingress: [{}]`,
    [
      [
        "a foreign namespace of the subject is overridden",
        "blue/db",
        "blue/web",
        "80/TCP",
        "denied at ingress",
      ],
      ["and stays out of reach", "blue/db", "red/web", "80/TCP", "allowed"],
    ],
  ),
  ...rows(`${DOCS}/language/#ingress-egress-default-deny`, `${DB}, ingress: [{}]`, [
    [
      "an empty rule turns default deny on and allows nothing",
      "blue/web",
      "blue/db",
      "80/TCP",
      "denied at ingress",
    ],
    ["but the host, which may reach its pods", "host", "blue/db", "80/TCP", "allowed"],
  ]),
  ...rows(`${DOCS}/language/#ingress-egress-default-deny`, `${DB}, egress: [{}]`, [
    ["the same at egress", "blue/db", "blue/web", "80/TCP", "denied at egress"],
    ["towards the host too", "blue/db", "host", "80/TCP", "denied at egress"],
    ["while ingress stays open", "red/web", "blue/db", "80/TCP", "allowed"],
  ]),
  ...rows(
    `${CODE}/policy/utils/parserules.go (mergeEndpointSelectors)`,
    `${DB}, ingress: [{ fromEndpoints: [] }]`,
    [
      [
        "an empty list of peers selects nobody",
        "blue/web",
        "blue/db",
        "80/TCP",
        "denied at ingress",
      ],
    ],
  ),
  ...rows(
    `${CODE}/policy/utils/parserules.go (mergeEndpointSelectors)`,
    `${DB}, ingress: [{ fromEndpoints: [], ${tcp80} }]`,
    [[
      "an empty list of peers selects nobody, ports or not",
      "blue/web",
      "blue/db",
      "80/TCP",
      "denied at ingress",
    ]],
  ),
  ...rows(
    `${CODE}/policy/api/rule.go (Ingress: "If omitted or empty, this rule does not apply")`,
    `${DB}, ingress: []`,
    [
      ["an empty list of rules is no rule", "red/web", "blue/db", "80/TCP", "allowed"],
    ],
  ),
  ...rows(`${DOCS}/language/#limit-ingress-egress-ports`, `${DB}, ingress: [{ ${tcp80} }]`, [
    ["a rule without peers is for everyone", "red/web", "blue/db", "80/TCP", "allowed"],
    ["even for the world", "world-ipv4", "blue/db", "80/TCP", "allowed"],
    ["on its port only", "blue/web", "blue/db", "81/TCP", "denied at ingress"],
    ["and on its protocol only", "blue/web", "blue/db", "80/UDP", "denied at ingress"],
  ]),
  ...rows(
    `${DOCS}/language/#layer-4-examples`,
    `${DB}, ingress: [{ fromEndpoints: [{ matchLabels: { app: web } }], ${tcp80} }]`,
    [
      ["peers and ports must both match", "blue/web", "blue/db", "80/TCP", "allowed"],
      [
        "the right peer on another port is dropped",
        "blue/web",
        "blue/db",
        "443/TCP",
        "denied at ingress",
      ],
      [
        "another peer on the right port is dropped",
        "blue/db",
        "blue/db",
        "80/TCP",
        "denied at ingress",
      ],
    ],
  ),
  ...rows(
    `${DOCS}/language/#example-port-ranges`,
    `${DB}, ingress: [{ toPorts: [{ ports: [{ port: '8080', endPort: 8095, protocol: TCP }] }] }]`,
    [
      ["a range begins at its first port", "blue/web", "blue/db", "8080/TCP", "allowed"],
      ["and ends at its last", "blue/web", "blue/db", "8095/TCP", "allowed"],
      ["below it is outside", "blue/web", "blue/db", "8079/TCP", "denied at ingress"],
      ["above it is outside", "blue/web", "blue/db", "8096/TCP", "denied at ingress"],
    ],
  ),
  ...rows(
    `${CODE}/policy/api/l4.go (PortProtocol: "ANY" matches TCP, UDP, SCTP)`,
    `${DB}, ingress: [{ toPorts: [{ ports: [{ port: '53', protocol: ANY }] }] }]`,
    [
      ["ANY is TCP", "blue/web", "blue/db", "53/TCP", "allowed"],
      ["ANY is UDP", "blue/web", "blue/db", "53/UDP", "allowed"],
      ["ANY is SCTP", "blue/web", "blue/db", "53/SCTP", "allowed"],
      ["ANY is not ICMP", "blue/web", "blue/db", "53/ICMP", "denied at ingress"],
    ],
  ),
  ...rows(
    `${CODE}/policy/api/l4.go (PortProtocol: no protocol is ANY)`,
    `${DB}, ingress: [{ toPorts: [{ ports: [{ port: '53' }] }] }]`,
    [["no protocol is ANY", "blue/web", "blue/db", "53/UDP", "allowed"]],
  ),
  ...rows(
    `${CODE}/policy/api/l4.go (PortProtocol: port 0 is all ports)`,
    `${DB}, ingress: [{ toPorts: [{ ports: [{ port: '0', protocol: UDP }] }] }]`,
    [
      ["port 0 is every port of the protocol", "blue/web", "blue/db", "65535/UDP", "allowed"],
      ["and no other protocol", "blue/web", "blue/db", "65535/TCP", "denied at ingress"],
    ],
  ),
  ...rows(
    `${DOCS}/intro/#endpoint-default-policy`,
    `${DB}, enableDefaultDeny: { ingress: false }, ingress: [{ ${tcp80} }]`,
    [[
      "a policy without default deny leaves the rest open",
      "red/web",
      "blue/db",
      "81/TCP",
      "allowed",
    ]],
  ),
  ...rows(
    `${DOCS}/intro/#endpoint-default-policy`,
    `${DB}, enableDefaultDeny: { egress: false }, ingress: [{}], egress: [{}]`,
    [
      ["default deny is per direction: egress off", "blue/db", "blue/web", "80/TCP", "allowed"],
      [
        "default deny is per direction: ingress on",
        "blue/web",
        "blue/db",
        "80/TCP",
        "denied at ingress",
      ],
    ],
  ),
  ...rows(
    `${CODE}/policy/repository.go (computePolicyEnforcementAndRules)`,
    `${DB}, enableDefaultDeny: { egress: true }, ingress: [{}]`,
    [["default deny needs a rule in its direction", "blue/db", "blue/web", "80/TCP", "allowed"]],
  ),
  ...rows(
    "https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#set-based-requirement",
    `${DB}, ingress: [{ fromEndpoints: [{ matchExpressions: [{ key: tier, operator: NotIn, values: [web] }] }] }]`,
    [["NotIn holds where the label is missing", "blue/web", "blue/db", "80/TCP", "allowed"]],
  ),
  ...rows(
    "https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#set-based-requirement",
    `${DB}, ingress: [{ fromEndpoints: [{ matchLabels: { app: web }, matchExpressions: [{ key: app, operator: NotIn, values: [web] }] }] }]`,
    [["all requirements must hold", "blue/web", "blue/db", "80/TCP", "denied at ingress"]],
  ),
  ...rows(
    "https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#set-based-requirement",
    `${WEB}, egress: [{ toEndpoints: [{ matchExpressions: [{ key: app, operator: Exists }] }] }]`,
    [
      ["Exists at egress, within the namespace", "blue/web", "blue/db", "80/TCP", "allowed"],
      ["and not beyond it", "blue/web", "red/web", "80/TCP", "denied at egress"],
    ],
  ),
  ...rows(
    "https://docs.cilium.io/en/stable/operations/performance/scalability/identity-relevant-labels/",
    `${DB}, ingress: [{ fromEndpoints: [{ matchLabels: { pod-template-hash: abc } }] }]`,
    [[
      "a label that is no part of the identity is not seen",
      "blue/web",
      "blue/db",
      "80/TCP",
      "denied at ingress",
    ]],
  ),
  ...rows(
    `${DOCS}/kubernetes/#serviceaccounts`,
    `${WEB}, egress: [{ toEndpoints: [{ matchLabels: { io.cilium.k8s.policy.serviceaccount: database } }] }]`,
    [
      ["service accounts are labels", "blue/web", "blue/db", "80/TCP", "allowed"],
      ["which others do not have", "blue/web", "blue/web", "80/TCP", "denied at egress"],
    ],
  ),
  ...rows(
    `${CODE}/k8s/apis/cilium.io/utils/utils.go (getEndpointSelector)`,
    `${DB}, ingress: [{ fromEndpoints: [{ matchLabels: { "reserved:remote-node": "" } }] }]`,
    [
      [
        "a selector of reserved labels is not bound to the namespace",
        "remote-node",
        "blue/db",
        "80/TCP",
        "allowed",
      ],
      ["and selects nothing else", "blue/web", "blue/db", "80/TCP", "denied at ingress"],
    ],
  ),
];

const PROTOCOLS: Readonly<Record<string, number>> = { TCP: 6, UDP: 17, SCTP: 132, ICMP: 1 };
const RESERVED_IDS: Readonly<Record<string, number>> = {
  host: RESERVED.HOST,
  "remote-node": RESERVED.REMOTE_NODE,
  "world-ipv4": RESERVED.WORLD_IPV4,
  "world-ipv6": RESERVED.WORLD_IPV6,
};

for (const row of TABLE) {
  const { description, from, to, port, verdict, source } = row;
  Deno.test(`policy: ${description} (${from} → ${to} ${port}; ${source})`, async () => {
    const { objects, errors } = readObjects([{ name: "cluster", text: CLUSTER }, {
      name: "policy",
      text: `{ apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy,
        metadata: { name: p, namespace: blue }, spec: { ${row.policy} } }`,
    }]);
    assertEquals(errors, []);
    const namespaces = objects.filter((o): o is Namespace => o.kind === "Namespace");
    const pods = objects.filter((o): o is Pod => o.kind === "Pod");
    const policies = objects.filter((o): o is CiliumNetworkPolicy =>
      o.kind === "CiliumNetworkPolicy"
    );
    const snapshot = await compileCluster(objects);
    const end = (name: string) => {
      const pod = pods.find((p) => `${p.namespace}/${p.name}` === name);
      if (pod === undefined) {
        return { peer: reservedPeer(name), identity: RESERVED_IDS[name] ?? -1 };
      }
      const peer = podPeer(pod, namespaces.find((n) => n.name === pod.namespace));
      const endpoint = snapshot.endpoints.find((e) => `${e.namespace}/${e.name}` === name);
      const policy = snapshot.policies.find(({ number }) => number === endpoint?.policy);
      return { peer, identity: endpoint?.identity ?? -1, policy };
    };
    const [number = "", protocolName = ""] = port.split("/");
    const protocol = PROTOCOLS[protocolName] ?? -1;
    const [source, destination] = [end(from), end(to)];

    const spec = evaluate(policies, {
      source: source.peer,
      destination: destination.peer,
      protocol,
      port: Number(number),
    });
    assertEquals(verdictOf(spec.egress.verdict, spec.ingress.verdict), verdict, "naive evaluator");

    const ask = (subject: typeof source, peer: typeof source, direction: "ingress" | "egress") =>
      subject.policy === undefined ? "allow" : lookup(
        subject.policy.mapState,
        peer.identity,
        direction,
        protocol,
        Number(number),
      ).verdict;
    const egress = ask(source, destination, "egress");
    const ingress = ask(destination, source, "ingress");
    assertEquals(verdictOf(egress, ingress), verdict, "map state");
  });
}

function verdictOf(egress: string, ingress: string): string {
  if (egress === "deny") return "denied at egress";
  return ingress === "deny" ? "denied at ingress" : "allowed";
}
