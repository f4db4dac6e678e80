/** The NetworkPolicy of Kubernetes. */
import { all, cilium, kubernetes } from "./_cluster.ts";
import { DOCS, KUBERNETES, testVerdicts } from "./_table.ts";

const ISOLATION = `${KUBERNETES}#the-two-sorts-of-pod-isolation`;
const SELECTORS = `${KUBERNETES}#behavior-of-to-and-from-selectors`;
const DEFAULTS = `${KUBERNETES}#default-policies`;
const DB = "podSelector: { matchLabels: { app: db } }";

testVerdicts([
  {
    source: ISOLATION,
    policies: kubernetes(
      `${DB}, ingress: [{ from: [{ podSelector: { matchLabels: { app: web } } }] }]`,
    ),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "allowed", "a selected pod accepts what a rule allows"],
      ["blue/db", "blue/db", "80/TCP", "denied at ingress", "and nothing else"],
      ["blue/db", "8.8.8.8", "80/TCP", "allowed", "egress is isolated apart"],
      ["red/web", "blue/web", "80/TCP", "allowed", "and so are other pods"],
      ["n1", "blue/db", "80/TCP", "allowed", "the pod's own node is always let in"],
    ],
  },
  {
    source: SELECTORS,
    policies: kubernetes(`${DB}, ingress: [{ from: [{ podSelector: {} }] }]`),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "allowed", "podSelector alone: the policy's namespace"],
      ["red/web", "blue/db", "80/TCP", "denied at ingress", "and no other"],
    ],
  },
  {
    source: SELECTORS,
    policies: kubernetes(
      `${DB}, ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: b } } }] }]`,
    ),
    flows: [
      ["red/web", "blue/db", "80/TCP", "allowed", "namespaceSelector: all pods of a namespace"],
      ["blue/web", "blue/db", "80/TCP", "denied at ingress", "and of no other"],
    ],
  },
  {
    source: SELECTORS,
    policies: kubernetes(
      `${DB}, ingress: [{ from: [{ namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: red } } }] }]`,
    ),
    flows: [["red/web", "blue/db", "80/TCP", "allowed", "namespaces have their name as a label"]],
  },
  {
    source: SELECTORS,
    policies: kubernetes(`${DB}, ingress: [{ from: [{ namespaceSelector: {} }] }]`),
    flows: [
      ["red/web", "blue/db", "80/TCP", "allowed", "an empty one is every namespace"],
      ["8.8.8.8", "blue/db", "80/TCP", "denied at ingress", "and not the world"],
      ["n3", "blue/db", "80/TCP", "denied at ingress", "and no node"],
    ],
  },
  {
    source: SELECTORS,
    policies: kubernetes(
      `${DB}, ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: a } }, podSelector: { matchLabels: { app: web } } }] }]`,
    ),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "allowed", "both selectors of a peer must hold"],
      ["red/web", "blue/db", "80/TCP", "denied at ingress", "the wrong namespace"],
      ["blue/db", "blue/db", "80/TCP", "denied at ingress", "the wrong pod"],
    ],
  },
  {
    source: SELECTORS,
    policies: kubernetes(
      `${DB}, ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: b } } }, { podSelector: { matchLabels: { app: web } } }] }]`,
    ),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "allowed", "each of several peers will do"],
      ["red/web", "blue/db", "80/TCP", "allowed", "one or the other"],
    ],
  },
  {
    source:
      "https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/",
    policies: kubernetes(`${DB}, ingress: [{ from: [] }]`),
    flows: [
      ["8.8.8.8", "blue/db", "80/TCP", "allowed", "no peers are everyone, the world too"],
      ["n3", "blue/db", "80/TCP", "allowed", "and every node"],
    ],
  },
  {
    source: `${KUBERNETES}#networkpolicy-resource`,
    policies: kubernetes(
      `${DB}, policyTypes: [Egress], egress: [{ to: [{ ipBlock: { cidr: 20.0.0.0/8, except: [20.1.0.0/16] } }] }]`,
    ),
    flows: [
      ["blue/db", "20.9.9.9", "80/TCP", "allowed", "an ipBlock"],
      ["blue/db", "20.1.9.9", "80/TCP", "denied at egress", "without its exceptions"],
      ["blue/db", "21.0.0.0", "80/TCP", "denied at egress", "and what is beyond"],
      ["blue/web", "blue/db", "80/TCP", "allowed", "policyTypes leaves ingress open"],
    ],
  },
  {
    source: `${DOCS}/layer3/#selecting-nodes-with-cidr-ipblock`,
    policies: kubernetes(`${DB}, egress: [{ to: [{ ipBlock: { cidr: 10.0.0.0/8 } }] }]`),
    flows: [
      ["blue/db", "blue/web", "80/TCP", "denied at egress", "an ipBlock is for no pods"],
      ["blue/db", "n3", "80/TCP", "denied at egress", "and for no nodes by default"],
      ["blue/db", "10.9.9.9", "80/TCP", "allowed", "but for addresses of nobody"],
    ],
  },
  {
    source: `${DOCS}/layer3/#selecting-nodes-with-cidr-ipblock`,
    policies: kubernetes(`${DB}, egress: [{ to: [{ ipBlock: { cidr: 10.0.0.0/8 } }] }]`),
    settings: { cidrMatchMode: ["nodes"] },
    flows: [
      ["blue/db", "n3", "80/TCP", "allowed", "with policy-cidr-match-mode=nodes it is for nodes"],
      ["blue/db", "blue/web", "80/TCP", "denied at egress", "and for no pods still"],
    ],
  },
  {
    source: DEFAULTS,
    policies: kubernetes("podSelector: {}"),
    flows: [
      ["red/web", "blue/db", "80/TCP", "denied at ingress", "no rules and no types: no ingress"],
      ["blue/db", "8.8.8.8", "80/TCP", "allowed", "while egress is open"],
    ],
  },
  {
    source: DEFAULTS,
    policies: kubernetes("podSelector: {}, policyTypes: [Egress]"),
    flows: [
      ["blue/db", "red/web", "80/TCP", "denied at egress", "type Egress alone: no egress"],
      ["red/web", "blue/db", "80/TCP", "allowed", "while ingress is open"],
    ],
  },
  {
    source: DEFAULTS,
    policies: kubernetes("podSelector: {}, policyTypes: [Ingress], ingress: [{}]"),
    flows: [["8.8.8.8", "blue/db", "80/TCP", "allowed", "an empty rule allows everything"]],
  },
  {
    source: `${KUBERNETES}#networkpolicy-resource ("policyTypes")`,
    policies: kubernetes(`${DB}, egress: [{ to: [{ podSelector: {} }] }]`),
    flows: [
      ["blue/db", "red/web", "80/TCP", "denied at egress", "egress rules isolate egress"],
      ["blue/web", "blue/db", "80/TCP", "denied at ingress", "and ingress is isolated always"],
    ],
  },
  {
    source: `${KUBERNETES}#networkpolicy-resource ("policyTypes")`,
    policies: kubernetes(`${DB}, policyTypes: [Ingress], ingress: [{}], egress: [{ to: [] }]`),
    flows: [["blue/db", "8.8.8.8", "80/TCP", "allowed", "a direction that is no type is open"]],
  },
  {
    source:
      "https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/",
    policies: kubernetes(`${DB}, ingress: [{ ports: [{ port: 80 }] }]`),
    flows: [
      ["red/web", "blue/db", "80/TCP", "allowed", "a port without protocol is one of TCP"],
      ["red/web", "blue/db", "80/UDP", "denied at ingress", "and of nothing else"],
    ],
  },
  {
    source:
      "https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/",
    policies: kubernetes(`${DB}, ingress: [{ ports: [{ protocol: UDP }] }]`),
    flows: [
      ["red/web", "blue/db", "9/UDP", "allowed", "a protocol without port is every port"],
      ["red/web", "blue/db", "9/TCP", "denied at ingress", "of that protocol"],
    ],
  },
  {
    source: `${KUBERNETES}#targeting-a-range-of-ports`,
    policies: kubernetes(
      `${DB}, ingress: [{ ports: [{ protocol: TCP, port: 32000, endPort: 32768 }] }]`,
    ),
    flows: [
      ["red/web", "blue/db", "32000/TCP", "allowed", "a range from its first port"],
      ["red/web", "blue/db", "32768/TCP", "allowed", "to its last"],
      ["red/web", "blue/db", "32769/TCP", "denied at ingress", "and no further"],
    ],
  },
  {
    source:
      "https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/",
    policies: kubernetes(`${DB}, ingress: [{ ports: [{ port: sql }] }]`),
    flows: [
      ["red/web", "blue/db", "5432/TCP", "allowed", "a port by the name that the pod gives it"],
      ["red/web", "blue/db", "5431/TCP", "denied at ingress", "and no other"],
    ],
  },
  {
    source: `${KUBERNETES}#networkpolicy-resource`,
    policies: kubernetes(
      "podSelector: {}, policyTypes: [Egress], egress: [{ ports: [{ port: http }] }]",
    ),
    flows: [
      ["blue/db", "blue/web", "8080/TCP", "allowed", "at egress by the name that the peer gives"],
      ["blue/web", "blue/db", "80/TCP", "allowed", "each peer its own"],
      ["blue/web", "blue/db", "8080/TCP", "denied at egress", "and not another's"],
    ],
  },
  {
    source: `${KUBERNETES}#the-two-sorts-of-pod-isolation ("additive")`,
    policies: all(
      kubernetes(`${DB}, ingress: [{ ports: [{ port: 80 }] }]`, "a"),
      kubernetes(`${DB}, ingress: [{ ports: [{ port: 81 }] }]`, "b"),
    ),
    flows: [
      ["red/web", "blue/db", "81/TCP", "allowed", "policies do not conflict, they are additive"],
    ],
  },
  {
    source: `${DOCS}/deny/`,
    policies: all(
      kubernetes(`${DB}, ingress: [{}]`, "a"),
      cilium(
        "endpointSelector: {}, ingressDeny: [{ fromEndpoints: [{ matchLabels: { app: web } }] }]",
        "b",
      ),
    ),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "denied at ingress", "a Cilium denial beats it"],
      ["red/web", "blue/db", "80/TCP", "allowed", "and leaves the others"],
    ],
  },
]);
