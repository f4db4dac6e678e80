/** Entities, nodes, the host and host policies. */
import { cilium, clusterwide, DB } from "./_cluster.ts";
import { DOCS, testVerdicts } from "./_table.ts";

const ENTITIES = `${DOCS}/layer3/#entities-based`;

function to(entity: string): string {
  return cilium(`endpointSelector: {}, egress: [{ toEntities: [${entity}] }]`);
}

testVerdicts([
  {
    source: ENTITIES,
    policies: to("world"),
    flows: [
      ["blue/db", "8.8.8.8", "53/UDP", "allowed", "the world is every address outside"],
      ["blue/db", "2001:db8::1", "53/UDP", "allowed", "of both families"],
      ["blue/db", "red/web", "53/UDP", "denied at egress", "and no pod"],
      ["blue/db", "n1", "53/UDP", "denied at egress", "and no host"],
      ["blue/db", "n3", "53/UDP", "denied at egress", "and no other node"],
    ],
  },
  {
    source: ENTITIES,
    policies: to("world-ipv6"),
    flows: [
      ["blue/db", "2001:db8::1", "53/UDP", "allowed", "the world of one family"],
      ["blue/db", "8.8.8.8", "53/UDP", "denied at egress", "leaves the other out"],
    ],
  },
  {
    source: ENTITIES,
    policies: to("cluster"),
    flows: [
      ["blue/db", "red/web", "80/TCP", "allowed", "the cluster is every pod"],
      ["blue/db", "n1", "80/TCP", "allowed", "and the host"],
      ["blue/db", "n3", "80/TCP", "allowed", "and other nodes"],
      ["blue/db", "health", "4240/TCP", "allowed", "and the health endpoints"],
      ["blue/db", "unmanaged", "80/TCP", "allowed", "and what Cilium does not manage"],
      ["blue/db", "8.8.8.8", "80/TCP", "denied at egress", "and not the world"],
    ],
  },
  {
    source: ENTITIES,
    policies: to("all"),
    flows: [
      ["blue/db", "8.8.8.8", "80/TCP", "allowed", "all is the world too"],
      ["blue/db", "n3", "80/TCP", "allowed", "all is every node"],
    ],
  },
  {
    source: ENTITIES,
    policies: to("host"),
    flows: [
      ["blue/db", "n1", "80/TCP", "allowed", "the host is the own node"],
      ["blue/db", "n2", "80/TCP", "denied at egress", "and no other"],
    ],
  },
  {
    source: ENTITIES,
    policies: to("remote-node"),
    flows: [
      ["blue/db", "n3", "80/TCP", "allowed", "a remote node is any other node"],
      ["blue/db", "blue/agent", "80/TCP", "allowed", "and what runs on its network"],
      ["blue/db", "n1", "80/TCP", "denied at egress", "and not the own one"],
    ],
  },
  {
    source: `${DOCS}/layer3/#access-to-from-kube-apiserver`,
    policies: to("kube-apiserver"),
    flows: [
      ["blue/db", "n2", "6443/TCP", "allowed", "the API server on a node of the cluster"],
      ["blue/db", "30.0.0.6", "6443/TCP", "allowed", "and one outside of it"],
      ["blue/db", "n3", "6443/TCP", "denied at egress", "and not every node"],
      ["blue/db", "30.0.0.7", "6443/TCP", "denied at egress", "and not its neighbour"],
    ],
  },
  {
    source: "https://github.com/cilium/cilium/issues/29432 (2: that IP's identity changes)",
    policies: to("kube-apiserver"),
    flows: [
      [
        "blue/db",
        "50.0.0.2",
        "6443/TCP",
        "denied at egress",
        "a node's other addresses are not it",
      ],
    ],
  },
  {
    source: "https://github.com/cilium/cilium/issues/29432 (2: that IP's identity changes)",
    policies: to("remote-node"),
    flows: [["blue/db", "50.0.0.2", "22/TCP", "allowed", "but they are that remote node's"]],
  },
  {
    source: ENTITIES,
    policies: to("none"),
    flows: [["blue/db", "blue/web", "80/TCP", "denied at egress", "none is nobody"]],
  },
  {
    source: `${DOCS}/layer3/#access-to-from-local-host`,
    policies: cilium(`${DB}, ingress: [{}]`),
    flows: [
      ["n1", "blue/db", "80/TCP", "allowed", "the host may reach its pods"],
      ["n2", "blue/db", "80/TCP", "denied at ingress", "other nodes may not"],
      ["blue/agent", "blue/db", "80/TCP", "denied at ingress", "nor what runs on them"],
    ],
  },
  {
    source: `${DOCS}/layer3/#access-to-from-local-host`,
    policies: cilium(`${DB}, ingress: [{}]`),
    settings: { allowLocalhost: false },
    flows: [
      ["n1", "blue/db", "80/TCP", "denied at ingress", "with allow-localhost=policy it may not"],
    ],
  },
  {
    source: `${DOCS}/deny/`,
    policies: cilium(`${DB}, ingressDeny: [{ fromEntities: [host] }]`),
    flows: [
      ["n1", "blue/db", "80/TCP", "denied at ingress", "a deny rule stops the host all the same"],
    ],
  },
  {
    source: `${DOCS}/layer3/#node-based`,
    policies: cilium(`${DB}, ingress: [{ fromNodes: [{ matchLabels: { role: worker } }] }]`),
    flows: [
      ["n3", "blue/db", "80/TCP", "allowed", "nodes may be selected by their labels"],
      ["n2", "blue/db", "80/TCP", "denied at ingress", "those that have them"],
      ["blue/web", "blue/db", "80/TCP", "denied at ingress", "and no pods"],
    ],
  },
  {
    source: `${DOCS}/layer3/#node-based ("an extension of remote-node entity")`,
    policies: cilium(`${DB}, egress: [{ toNodes: [{}] }]`),
    flows: [
      ["blue/db", "n2", "80/TCP", "allowed", "{} is every remote node"],
      ["blue/db", "n1", "80/TCP", "denied at egress", "and not the host"],
    ],
  },
  {
    source: `${DOCS}/host/`,
    policies: clusterwide(
      "nodeSelector: { matchLabels: { role: worker } }, ingress: [{ fromEntities: [remote-node] }]",
    ),
    flows: [
      ["n2", "n1", "22/TCP", "allowed", "a host policy opens a node"],
      ["8.8.8.8", "n1", "22/TCP", "denied at ingress", "and closes it otherwise"],
      ["blue/db", "n1", "22/TCP", "denied at ingress", "to its own pods too"],
      ["8.8.8.8", "blue/db", "22/TCP", "allowed", "and is not for its pods"],
    ],
  },
  {
    source: `${DOCS}/host/`,
    policies: clusterwide(
      "nodeSelector: { matchLabels: { role: control } }, ingress: [{ fromEntities: [none] }]",
    ),
    flows: [
      ["8.8.8.8", "n1", "22/TCP", "allowed", "a node that is not selected stays open"],
    ],
  },
  {
    source: `${DOCS}/host/`,
    policies: clusterwide("endpointSelector: {}, ingress: [{}]"),
    flows: [
      ["8.8.8.8", "n1", "22/TCP", "allowed", "endpointSelector does not select hosts"],
      ["8.8.8.8", "blue/db", "22/TCP", "denied at ingress", "but every pod"],
    ],
  },
]);
