/** Pods as peers: selectors, namespaces, clusters, clusterwide policies. */
import { all, cilium, clusterwide, DB, WEB } from "./_cluster.ts";
import { CODE, DOCS, testVerdicts } from "./_table.ts";

const REQUIREMENTS =
  "https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#set-based-requirement";
const NAMESPACE = "k8s:io.kubernetes.pod.namespace";

testVerdicts([
  {
    source: `${DOCS}/intro/#endpoint-default-policy`,
    policies: cilium(`${DB}, ingress: [{ fromEndpoints: [{ matchLabels: { app: web } }] }]`),
    flows: [
      [
        "blue/web",
        "blue/db",
        "80/TCP",
        "allowed",
        "a selected endpoint accepts what a rule allows",
      ],
      ["blue/web", "blue/db", "8/ICMP", "allowed", "an L3 rule allows every protocol"],
      ["blue/db", "blue/db", "80/TCP", "denied at ingress", "and drops what no rule allows"],
      ["blue/db", "blue/web", "80/TCP", "allowed", "who is not selected accepts everything"],
      ["blue/db", "red/web", "80/TCP", "allowed", "an ingress rule does not restrict egress"],
      ["world-ipv4", "blue/db", "80/TCP", "denied at ingress", "the world is not an endpoint"],
      [
        "blue/agent",
        "blue/db",
        "80/TCP",
        "denied at ingress",
        "nor is a pod on its node's network",
      ],
    ],
  },
  {
    source: `${DOCS}/kubernetes/#namespaces`,
    policies: cilium(`${DB}, ingress: [{ fromEndpoints: [{}] }]`),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "allowed", "{} is every endpoint of the namespace"],
      ["red/web", "blue/db", "80/TCP", "denied at ingress", "and none of another namespace"],
      ["world-ipv6", "blue/db", "80/TCP", "denied at ingress", "and not the world"],
      ["n2", "blue/db", "80/TCP", "denied at ingress", "and not a remote node"],
    ],
  },
  {
    source: `${DOCS}/kubernetes/#namespaces`,
    policies: cilium(
      `${DB}, ingress: [{ fromEndpoints: [{ matchLabels: { "${NAMESPACE}": red } }] }]`,
    ),
    flows: [
      ["red/web", "blue/db", "80/TCP", "allowed", "a peer selector may name another namespace"],
      ["blue/web", "blue/db", "80/TCP", "denied at ingress", "which leaves the own one out"],
    ],
  },
  {
    source: `${DOCS}/kubernetes/#namespaces`,
    policies: cilium(
      `${DB}, ingress: [{ fromEndpoints: [{ matchExpressions: [{ key: "${NAMESPACE}", operator: Exists }] }] }]`,
    ),
    flows: [
      ["red/web", "blue/db", "80/TCP", "allowed", "any namespace is asked for by Exists"],
      ["10.9.9.9", "blue/db", "80/TCP", "denied at ingress", "which addresses outside have not"],
    ],
  },
  {
    source: `${CODE}/k8s/apis/cilium.io/utils/utils.go (getEndpointSelector)`,
    policies: cilium(
      `${DB}, ingress: [{ fromEndpoints: [{ matchLabels: { io.cilium.k8s.namespace.labels.team: b } }] }]`,
    ),
    flows: [
      ["red/web", "blue/db", "80/TCP", "allowed", "namespaces may be selected by their labels"],
      ["blue/web", "blue/db", "80/TCP", "denied at ingress", "which others do not have"],
    ],
  },
  {
    source: `${CODE}/k8s/apis/cilium.io/utils/utils.go (ParseToCiliumRule)`,
    policies: cilium(
      `endpointSelector: { matchLabels: { "${NAMESPACE}": red } }, ingress: [{}]`,
    ),
    flows: [
      ["red/web", "blue/db", "80/TCP", "denied at ingress", "the policy's namespace overrides"],
      ["blue/db", "red/web", "80/TCP", "allowed", "a subject of another namespace"],
    ],
  },
  {
    source: REQUIREMENTS,
    policies: cilium(
      `${DB}, ingress: [{ fromEndpoints: [{ matchExpressions: [{ key: tier, operator: NotIn, values: [web] }] }] }]`,
    ),
    flows: [["blue/web", "blue/db", "80/TCP", "allowed", "NotIn holds where the label is missing"]],
  },
  {
    source: REQUIREMENTS,
    policies: cilium(
      `${DB}, ingress: [{ fromEndpoints: [{ matchLabels: { app: web }, matchExpressions: [{ key: app, operator: NotIn, values: [web] }] }] }]`,
    ),
    flows: [["blue/web", "blue/db", "80/TCP", "denied at ingress", "all requirements must hold"]],
  },
  {
    source: REQUIREMENTS,
    policies: cilium(
      `${WEB}, egress: [{ toEndpoints: [{ matchExpressions: [{ key: app, operator: Exists }] }] }]`,
    ),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "allowed", "Exists at egress, within the namespace"],
      ["blue/web", "red/web", "80/TCP", "denied at egress", "and not beyond it"],
    ],
  },
  {
    source:
      "https://docs.cilium.io/en/stable/operations/performance/scalability/identity-relevant-labels/",
    policies: cilium(
      `${DB}, ingress: [{ fromEndpoints: [{ matchLabels: { pod-template-hash: abc } }] }]`,
    ),
    flows: [
      [
        "blue/web",
        "blue/db",
        "80/TCP",
        "denied at ingress",
        "a label that is no part of the identity is not seen",
      ],
    ],
  },
  {
    source: `${DOCS}/kubernetes/#serviceaccounts`,
    policies: cilium(
      `${WEB}, egress: [{ toEndpoints: [{ matchLabels: { io.cilium.k8s.policy.serviceaccount: database } }] }]`,
    ),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "allowed", "service accounts are labels"],
      ["blue/web", "blue/web", "80/TCP", "denied at egress", "which others do not have"],
    ],
  },
  {
    source: `${DOCS}/kubernetes/#multi-cluster`,
    policies: cilium(
      `${WEB}, egress: [{ toEndpoints: [{ matchLabels: { io.cilium.k8s.policy.cluster: far } }] }]`,
    ),
    flows: [
      ["blue/web", "blue/db", "80/TCP", "denied at egress", "another cluster's pods are others"],
    ],
  },
  {
    source: `${CODE}/k8s/apis/cilium.io/utils/utils.go (getEndpointSelector)`,
    policies: cilium(
      `${DB}, ingress: [{ fromEndpoints: [{ matchLabels: { "reserved:remote-node": "" } }] }]`,
    ),
    flows: [
      ["n2", "blue/db", "80/TCP", "allowed", "reserved labels are not bound to the namespace"],
      ["blue/web", "blue/db", "80/TCP", "denied at ingress", "and select nothing else"],
    ],
  },
  {
    source: `${DOCS}/kubernetes/#clusterwide-policies`,
    policies: clusterwide(`${WEB}, ingress: [{ fromEndpoints: [{ matchLabels: { app: web } }] }]`),
    flows: [
      ["blue/web", "red/web", "80/TCP", "allowed", "a clusterwide policy spans namespaces"],
      ["red/web", "blue/web", "80/TCP", "allowed", "in both directions"],
      ["blue/db", "blue/web", "80/TCP", "denied at ingress", "and closes what it does not open"],
      ["blue/web", "blue/db", "80/TCP", "allowed", "for those that it selects"],
    ],
  },
  {
    source: `${DOCS}/kubernetes/#example-allow-all-ingress-to-kube-dns`,
    policies: clusterwide(`${DB}, ingress: [{ fromEndpoints: [{}] }]`),
    flows: [
      ["red/web", "blue/db", "80/TCP", "allowed", "{} of a clusterwide policy is every pod"],
      ["10.9.9.9", "blue/db", "80/TCP", "denied at ingress", "and not the world"],
      ["n2", "blue/db", "80/TCP", "denied at ingress", "and no node"],
    ],
  },
  {
    source: `${DOCS}/intro/#rule-basics`,
    policies: all(
      cilium(`${DB}, ingress: [{ fromEndpoints: [{ matchLabels: { app: none } }] }]`, "a"),
      clusterwide(`${DB}, ingress: [{ fromEndpoints: [{ matchLabels: { app: web } }] }]`, "b"),
    ),
    flows: [
      ["red/web", "blue/db", "80/TCP", "allowed", "policies add up, wherever they are from"],
    ],
  },
]);
