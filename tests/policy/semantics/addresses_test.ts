/** Address blocks, groups of them, services and DNS names as peers. */
import { all, cilium, clusterwide } from "./_cluster.ts";
import { CODE, DOCS, testVerdicts } from "./_table.ts";

const CIDR = `${DOCS}/layer3/#ip-cidr-based`;
const SERVICES = `${DOCS}/layer3/#services-based`;
const DNS = `${DOCS}/layer3/#dns-based`;

function to(peers: string): string {
  return cilium(`endpointSelector: {}, egress: [{ ${peers} }]`);
}

testVerdicts([
  {
    source: CIDR,
    policies: to("toCIDR: [20.1.0.0/16]"),
    flows: [
      ["blue/db", "20.1.0.0", "80/TCP", "allowed", "a block begins at its first address"],
      ["blue/db", "20.1.255.255", "80/TCP", "allowed", "and ends at its last"],
      ["blue/db", "20.0.255.255", "80/TCP", "denied at egress", "below it is outside"],
      ["blue/db", "20.2.0.0", "80/TCP", "denied at egress", "above it is outside"],
    ],
  },
  {
    source: CIDR,
    policies: to("toCIDR: ['2001:db8:1::/48']"),
    flows: [
      ["blue/db", "2001:db8:1:ffff::1", "80/TCP", "allowed", "a block of IPv6"],
      ["blue/db", "2001:db8:2::", "80/TCP", "denied at egress", "and its neighbour"],
      ["blue/db", "20.1.0.1", "80/TCP", "denied at egress", "and the other family"],
    ],
  },
  {
    source: CIDR,
    policies: to("toCIDR: [10.0.0.0/8]"),
    flows: [
      ["blue/db", "10.9.9.9", "80/TCP", "allowed", "a block is for addresses of nobody"],
      ["blue/db", "blue/web", "80/TCP", "denied at egress", "and not for pods in it"],
      ["blue/db", "n3", "80/TCP", "denied at egress", "and not for nodes in it"],
      ["blue/db", "n1", "80/TCP", "denied at egress", "and not for the host"],
    ],
  },
  {
    source: `${DOCS}/layer3/#selecting-nodes-with-cidr-ipblock`,
    policies: to("toCIDR: [10.0.0.3/32]"),
    settings: { cidrMatchMode: ["nodes"] },
    flows: [
      ["blue/db", "n3", "80/TCP", "allowed", "with policy-cidr-match-mode=nodes for nodes too"],
      ["blue/db", "n2", "80/TCP", "denied at egress", "by their addresses"],
      ["blue/db", "n1", "80/TCP", "denied at egress", "and not for the host beside it"],
    ],
  },
  {
    source: "https://github.com/cilium/cilium/pull/48046 (CIDR labels of host identities)",
    policies: to("toCIDR: [10.0.0.0/8]"),
    settings: { cidrMatchMode: ["nodes"] },
    flows: [
      ["blue/db", "n1", "80/TCP", "allowed", "nodes in a block: the host is one of them"],
      ["blue/db", "n3", "80/TCP", "allowed", "so are the others"],
      ["blue/db", "blue/web", "80/TCP", "denied at egress", "pods are none"],
    ],
  },
  {
    source: "https://github.com/cilium/cilium/pull/48046 (0.0.0.0/0 in mode nodes)",
    policies: to("toCIDR: [0.0.0.0/0]"),
    settings: { cidrMatchMode: ["nodes"] },
    flows: [["blue/db", "n3", "80/TCP", "allowed", "nodes are in 0.0.0.0/0 then, too"]],
  },
  {
    source: `${DOCS}/layer3/#entities-based ("identical to allowing to CIDR 0.0.0.0/0")`,
    policies: to("toCIDR: [0.0.0.0/0]"),
    flows: [
      ["blue/db", "8.8.8.8", "80/TCP", "allowed", "0.0.0.0/0 is the world"],
      ["blue/db", "2001:db8::1", "80/TCP", "denied at egress", "of its family"],
      ["blue/db", "red/web", "80/TCP", "denied at egress", "and no pod"],
    ],
  },
  {
    source: CIDR,
    policies: to("toCIDRSet: [{ cidr: 20.0.0.0/8, except: [20.1.0.0/16, 20.2.0.0/16] }]"),
    flows: [
      ["blue/db", "20.0.0.1", "80/TCP", "allowed", "a block with parts left out"],
      ["blue/db", "20.1.2.3", "80/TCP", "denied at egress", "is not for the first of them"],
      ["blue/db", "20.2.0.0", "80/TCP", "denied at egress", "nor for the second"],
      ["blue/db", "20.3.0.0", "80/TCP", "allowed", "and goes on behind them"],
    ],
  },
  {
    source: `${CODE}/policy/api/cidr.go (ExceptCIDRs: "only applied to the Cidr in this CIDRRule")`,
    policies: to(
      "toCIDRSet: [{ cidr: 20.0.0.0/8, except: [20.1.0.0/16] }, { cidr: 20.1.2.0/24 }]",
    ),
    flows: [
      ["blue/db", "20.1.2.9", "80/TCP", "allowed", "what one item leaves out another may let in"],
      ["blue/db", "20.1.3.9", "80/TCP", "denied at egress", "and the rest stays out"],
    ],
  },
  {
    source: CIDR,
    policies: all(
      cilium("endpointSelector: {}, egress: [{ toCIDR: [20.0.0.0/8] }]", "wide"),
      cilium("endpointSelector: {}, egressDeny: [{ toCIDR: [20.1.2.0/24] }]", "narrow"),
    ),
    flows: [
      ["blue/db", "20.1.3.0", "80/TCP", "allowed", "beside a denied block its surroundings pass"],
      ["blue/db", "20.1.2.1", "80/TCP", "denied at egress", "a denied block inside an allowed one"],
    ],
  },
  {
    source: `${DOCS}/deny/`,
    policies: all(
      cilium("endpointSelector: {}, egress: [{ toCIDR: [20.1.2.3/32] }]", "narrow"),
      cilium("endpointSelector: {}, egressDeny: [{ toCIDR: [20.0.0.0/8] }]", "wide"),
    ),
    flows: [
      ["blue/db", "20.1.2.3", "80/TCP", "denied at egress", "an allowed block inside a denied one"],
    ],
  },
  {
    source: `${CODE}/policy/types/selector.go (cidr labels of an address: all blocks around it)`,
    policies: all(
      cilium("endpointSelector: {}, egress: [{ toEntities: [world] }]", "world"),
      cilium("endpointSelector: {}, egress: [{ toCIDR: [20.1.2.0/24] }]", "block"),
    ),
    flows: [
      ["blue/db", "20.1.2.1", "80/TCP", "allowed", "an address with a block is of the world still"],
    ],
  },
  {
    source: "https://docs.cilium.io/en/stable/network/kubernetes/ciliumcidrgroup/",
    policies: to("toCIDRSet: [{ cidrGroupRef: offices }]"),
    flows: [
      ["blue/db", "20.1.9.9", "80/TCP", "allowed", "a group by name"],
      ["blue/db", "2001:db8::9", "80/TCP", "allowed", "is for all of its blocks"],
      ["blue/db", "20.2.0.1", "80/TCP", "denied at egress", "and not for another group's"],
    ],
  },
  {
    source: "https://docs.cilium.io/en/stable/network/kubernetes/ciliumcidrgroup/",
    policies: to("toCIDRSet: [{ cidrGroupRef: offices, except: [20.1.9.0/24] }]"),
    flows: [
      ["blue/db", "20.1.8.1", "80/TCP", "allowed", "a group with a part left out"],
      ["blue/db", "20.1.9.1", "80/TCP", "denied at egress", "is not for that part"],
    ],
  },
  {
    source: "https://docs.cilium.io/en/stable/network/kubernetes/ciliumcidrgroup/",
    policies: to(
      "toCIDRSet: [{ cidrGroupSelector: { matchExpressions: [{ key: kind, operator: In, values: [shop] }] } }]",
    ),
    flows: [
      ["blue/db", "20.2.0.1", "80/TCP", "allowed", "groups by their labels"],
      ["blue/db", "20.1.0.1", "80/TCP", "denied at egress", "and not those without them"],
    ],
  },
  {
    source: "https://docs.cilium.io/en/stable/network/kubernetes/ciliumcidrgroup/",
    policies: to("toCIDRSet: [{ cidrGroupRef: nowhere }]"),
    flows: [
      ["blue/db", "20.1.0.1", "80/TCP", "denied at egress", "a group that does not exist is empty"],
    ],
  },
  {
    source: CIDR,
    policies: cilium("endpointSelector: {}, ingress: [{ fromCIDR: [20.1.0.0/16] }]"),
    flows: [
      ["20.1.0.7", "blue/db", "80/TCP", "allowed", "blocks at ingress"],
      ["20.2.0.7", "blue/db", "80/TCP", "denied at ingress", "and what is outside of them"],
    ],
  },
  {
    source: `${DOCS}/layer4/#cidr-dependent-layer-4-rule`,
    policies: to("toCIDR: [20.1.0.0/16], toPorts: [{ ports: [{ port: '80', protocol: TCP }] }]"),
    flows: [
      ["blue/db", "20.1.0.7", "80/TCP", "allowed", "a block and a port"],
      ["blue/db", "20.1.0.7", "81/TCP", "denied at egress", "on no other port"],
    ],
  },
  {
    source: SERVICES,
    policies: to("toServices: [{ k8sService: { serviceName: front, namespace: red } }]"),
    flows: [
      ["blue/db", "red/web", "80/TCP", "allowed", "a service stands for the pods that it selects"],
      ["blue/db", "blue/web", "80/TCP", "denied at egress", "in its namespace"],
    ],
  },
  {
    source: SERVICES,
    policies: to("toServices: [{ k8sService: { serviceName: mail, namespace: blue } }]"),
    flows: [
      ["blue/db", "30.0.0.25", "25/TCP", "allowed", "or for the addresses of its slices"],
      ["blue/db", "30.0.0.26", "25/TCP", "denied at egress", "and no others"],
    ],
  },
  {
    source: SERVICES,
    policies: to(
      "toServices: [{ k8sServiceSelector: { selector: { matchLabels: { env: prod } } } }]",
    ),
    flows: [
      ["blue/db", "red/web", "80/TCP", "allowed", "services by their labels, with pods"],
      ["blue/db", "30.0.0.25", "25/TCP", "allowed", "and without"],
      ["blue/db", "8.8.8.8", "25/TCP", "denied at egress", "and nobody else"],
    ],
  },
  {
    source: SERVICES,
    policies: to("toServices: [{ k8sService: { serviceName: nowhere, namespace: blue } }]"),
    flows: [
      ["blue/db", "red/web", "80/TCP", "denied at egress", "a service that is not is nobody"],
      ["blue/db", "8.8.8.8", "80/TCP", "denied at egress", "and not everybody"],
    ],
  },
  {
    source: DNS,
    policies: to("toFQDNs: [{ matchName: example.com }]"),
    flows: [
      ["blue/db", "40.0.0.1", "443/TCP", "allowed", "the address that a name was answered with"],
      ["blue/db", "40.0.0.2", "443/TCP", "denied at egress", "and not that of a name below"],
      ["blue/db", "40.0.0.9", "443/TCP", "denied at egress", "and not one that was never answered"],
    ],
  },
  {
    source: DNS,
    policies: to("toFQDNs: [{ matchName: Example.COM }]"),
    flows: [["blue/db", "40.0.0.1", "443/TCP", "allowed", "the case of a name does not count"]],
  },
  {
    source: DNS,
    policies: to("toFQDNs: [{ matchPattern: '*.example.com' }]"),
    flows: [
      ["blue/db", "40.0.0.2", "443/TCP", "allowed", "a star is one label"],
      ["blue/db", "40.0.0.1", "443/TCP", "denied at egress", "and not none"],
      ["blue/db", "40.0.0.3", "443/TCP", "denied at egress", "and not two"],
    ],
  },
  {
    source: DNS,
    policies: to("toFQDNs: [{ matchPattern: '**.example.com' }]"),
    flows: [
      ["blue/db", "40.0.0.2", "443/TCP", "allowed", "two stars are one label"],
      ["blue/db", "40.0.0.3", "443/TCP", "allowed", "or several"],
      ["blue/db", "40.0.0.1", "443/TCP", "denied at egress", "and not none"],
    ],
  },
  {
    source: DNS,
    policies: to("toFQDNs: [{ matchPattern: 'a*i.example.com' }]"),
    flows: [["blue/db", "40.0.0.2", "443/TCP", "allowed", "a star inside a label"]],
  },
  {
    source: DNS,
    policies: to("toFQDNs: [{ matchPattern: '*' }]"),
    flows: [
      ["blue/db", "40.0.0.3", "443/TCP", "allowed", "a star alone is every name"],
      ["blue/db", "40.0.0.9", "443/TCP", "denied at egress", "that was answered"],
    ],
  },
  {
    source: DNS,
    policies: all(
      cilium("endpointSelector: {}, egress: [{ toFQDNs: [{ matchName: example.com }] }]", "name"),
      cilium("endpointSelector: {}, egressDeny: [{ toCIDR: [40.0.0.0/8] }]", "block"),
    ),
    flows: [
      ["blue/db", "40.0.0.1", "443/TCP", "denied at egress", "an answered address in a block"],
    ],
  },
  {
    source: `${DOCS}/layer3/#access-to-from-outside-cluster`,
    policies: clusterwide("endpointSelector: {}, ingressDeny: [{ fromEntities: [world] }]"),
    flows: [
      ["30.0.0.6", "blue/db", "80/TCP", "denied at ingress", "the API server outside is the world"],
      ["n2", "blue/db", "80/TCP", "denied at ingress", "a deny rule turns default deny on"],
    ],
  },
]);
