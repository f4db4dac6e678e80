/** Policies that name their peers in a wrong way. */
import { policy, testWrong } from "../_manifest.ts";

const IN_RULE1 = 'Cannot read CiliumNetworkPolicy "default/rule1": ';
const EVERY_POD = "  endpointSelector: {}\n";
const ingress = (rule: string) => policy(`${EVERY_POD}  ingress: [${rule}]`);
const ingressDeny = (rule: string) => policy(`${EVERY_POD}  ingressDeny: [${rule}]`);
const egress = (rule: string) => policy(`${EVERY_POD}  egress: [${rule}]`);
const egressDeny = (rule: string) => policy(`${EVERY_POD}  egressDeny: [${rule}]`);

testWrong([
  {
    description: "the label of something that is no block",
    text: egress('{ toEndpoints: [{ matchLabels: { "cidr:10.0.0.0": "" } }] }'),
    message: [
      `${IN_RULE1}spec.egress[0].toEndpoints[0].matchLabels.cidr:10.0.0.0 is not the label of an address block, expected for example cidr:10.0.0.0/8, or cidr:2001-db8--0/32`,
      "  at p.yaml:7:62",
    ],
  },
  {
    description: "the label of a block with colons, which no key can have",
    text: egress('{ toEndpoints: [{ matchLabels: { "cidr:2001:db8::/32": "" } }] }'),
    message: [
      `${IN_RULE1}spec.egress[0].toEndpoints[0].matchLabels.cidr:2001:db8::/32 is not a label key, expected for example cidr:10.0.0.0/8, or cidr:2001-db8--0/32`,
      "  at p.yaml:7:67",
      "  did you mean cidr:2001-db8--0/32?",
    ],
  },
  {
    description: "the label of a DNS pattern, which no key can be",
    text: egress('{ toEndpoints: [{ matchLabels: { "fqdn:*.cilium.io": "" } }] }'),
    message: [
      `${IN_RULE1}spec.egress[0].toEndpoints[0].matchLabels.fqdn:*.cilium.io is not a label key, expected [source:][prefix/]name`,
      "  at p.yaml:7:65",
    ],
  },
  {
    description: "two kinds of peers in a rule (ingress)",
    text: ingress("{ fromEndpoints: [{}], fromEntities: [world] }"),
    message: [
      `${IN_RULE1}spec.ingress[0] has both fromEndpoints and fromEntities, expected a rule for each of the two`,
      "  at p.yaml:7:13",
    ],
  },
  {
    description: "two kinds of peers in a rule (egress)",
    text: egress("{ toCIDR: [10.0.0.0/8], toFQDNs: [{ matchName: cilium.io }] }"),
    message: [
      `${IN_RULE1}spec.egress[0] has both toCIDR and toFQDNs, expected a rule for each of the two`,
      "  at p.yaml:7:12",
    ],
  },
  {
    description: "two kinds of peers in a deny rule",
    text: ingressDeny("{ fromCIDR: [10.0.0.0/8], fromCIDRSet: [{ cidr: 10.0.0.0/8 }] }"),
    message: [
      `${IN_RULE1}spec.ingressDeny[0] has both fromCIDR and fromCIDRSet, expected a rule for each of the two`,
      "  at p.yaml:7:17",
    ],
  },
  {
    description: "an address with a leading zero",
    text: ingress("{ fromCIDR: [010.0.0.0/8] }"),
    message: [
      `${IN_RULE1}spec.ingress[0].fromCIDR[0] is "010.0.0.0/8", expected an address block like 10.0.0.0/8 or fd00::/8`,
      "  at p.yaml:7:26",
    ],
  },
  {
    description: "an address with three parts",
    text: ingress("{ fromCIDR: [10.0.0/8] }"),
    message: [
      `${IN_RULE1}spec.ingress[0].fromCIDR[0] is "10.0.0/8", expected an address block like 10.0.0.0/8 or fd00::/8`,
      "  at p.yaml:7:26",
    ],
  },
  {
    description: "a prefix that is too long",
    text: ingress("{ fromCIDR: [10.0.0.0/33] }"),
    message: [
      `${IN_RULE1}spec.ingress[0].fromCIDR[0] is "10.0.0.0/33", expected an address block like 10.0.0.0/8 or fd00::/8`,
      "  at p.yaml:7:26",
    ],
  },
  {
    description: "a netmask",
    text: ingress("{ fromCIDR: [10.0.0.0/255.0.0.0] }"),
    message: [
      `${IN_RULE1}spec.ingress[0].fromCIDR[0] is "10.0.0.0/255.0.0.0", expected an address block like 10.0.0.0/8 or fd00::/8`,
      "  at p.yaml:7:26",
    ],
  },
  {
    description: "a host name among blocks",
    text: egress("{ toCIDR: [cilium.io] }"),
    message: [
      `${IN_RULE1}spec.egress[0].toCIDR[0] is "cilium.io", expected an address block like 10.0.0.0/8 or fd00::/8`,
      "  at p.yaml:7:23",
    ],
  },
  {
    description: "an exception outside of its block",
    text: ingress("{ fromCIDRSet: [{ cidr: 10.0.0.0/8, except: [11.0.0.0/24] }] }"),
    message: [
      `${IN_RULE1}spec.ingress[0].fromCIDRSet[0].except[0] is 11.0.0.0/24, outside of 10.0.0.0/8, expected a block inside of it`,
      "  at p.yaml:7:58",
    ],
  },
  {
    description: "an exception that is larger than its block",
    text: ingress("{ fromCIDRSet: [{ cidr: 10.0.0.0/8, except: [10.0.0.0/7] }] }"),
    message: [
      `${IN_RULE1}spec.ingress[0].fromCIDRSet[0].except[0] is 10.0.0.0/7, outside of 10.0.0.0/8, expected a block inside of it`,
      "  at p.yaml:7:58",
    ],
  },
  {
    description: "an exception of the other family",
    text: ingress('{ fromCIDRSet: [{ cidr: 10.0.0.0/8, except: ["fd00::/8"] }] }'),
    message: [
      `${IN_RULE1}spec.ingress[0].fromCIDRSet[0].except[0] is fd00::/8, outside of 10.0.0.0/8, expected a block inside of it`,
      "  at p.yaml:7:58",
    ],
  },
  {
    description: "a bare address in a set",
    text: ingress("{ fromCIDRSet: [{ cidr: 10.0.0.1 }] }"),
    message: [
      `${IN_RULE1}spec.ingress[0].fromCIDRSet[0].cidr is "10.0.0.1", expected an address block like 10.0.0.0/8 or fd00::/8`,
      "  at p.yaml:7:37",
    ],
  },
  {
    description: "a set without a block",
    text: ingress("{ fromCIDRSet: [{ except: [10.0.0.0/8] }] }"),
    message: [
      `${IN_RULE1}spec.ingress[0].fromCIDRSet[0] is empty, expected exactly one of cidr, cidrGroupRef, cidrGroupSelector`,
      "  at p.yaml:7:29",
    ],
  },
  {
    description: "a set with a block and a group",
    text: ingress("{ fromCIDRSet: [{ cidr: 10.0.0.0/8, cidrGroupRef: vpn }] }"),
    message: [
      `${IN_RULE1}spec.ingress[0].fromCIDRSet[0] has both cidr and cidrGroupRef, expected exactly one of cidr, cidrGroupRef, cidrGroupSelector`,
      "  at p.yaml:7:29",
    ],
  },
  {
    description: "a group that is no name",
    text: ingress("{ fromCIDRSet: [{ cidrGroupRef: VPN }] }"),
    message: [
      `${IN_RULE1}spec.ingress[0].fromCIDRSet[0].cidrGroupRef is "VPN", expected the name of a CiliumCIDRGroup`,
      "  at p.yaml:7:45",
    ],
  },
  {
    description: "an unknown entity",
    text: ingress("{ fromEntities: [wrold] }"),
    message: [
      `${IN_RULE1}spec.ingress[0].fromEntities[0] is "wrold", expected one of all, world, world-ipv4, world-ipv6, cluster, host, remote-node, kube-apiserver, health, init, ingress, unmanaged, none`,
      "  at p.yaml:7:30",
      "  did you mean world?",
    ],
  },
  {
    description: "an entity in capitals",
    text: ingress("{ fromEntities: [Cluster] }"),
    message: [
      `${IN_RULE1}spec.ingress[0].fromEntities[0] is "Cluster", expected one of all, world, world-ipv4, world-ipv6, cluster, host, remote-node, kube-apiserver, health, init, ingress, unmanaged, none`,
      "  at p.yaml:7:30",
      "  did you mean cluster?",
    ],
  },
  {
    description: "a service by name and by selector",
    text: egress(
      "{ toServices: [{ k8sService: { serviceName: web }, k8sServiceSelector: { selector: {} } }] }",
    ),
    message: [
      `${IN_RULE1}spec.egress[0].toServices[0] has both k8sService and k8sServiceSelector, expected one of k8sService, k8sServiceSelector`,
      "  at p.yaml:7:27",
    ],
  },
  {
    description: "a service without a name",
    text: egress("{ toServices: [{ k8sService: { namespace: blue } }] }"),
    message: [
      `${IN_RULE1}spec.egress[0].toServices[0].k8sService has no serviceName, expected serviceName`,
      "  at p.yaml:7:41",
    ],
  },
  {
    description: "a service selector without a selector",
    text: egress("{ toServices: [{ k8sServiceSelector: { namespace: blue } }] }"),
    message: [
      `${IN_RULE1}spec.egress[0].toServices[0].k8sServiceSelector has no selector, expected selector`,
      "  at p.yaml:7:49",
    ],
  },
  {
    description: "fromRequires",
    text: ingress("{ fromRequires: [{}] }"),
    message: [
      `${IN_RULE1}spec.ingress[0].fromRequires was removed in Cilium 1.19, expected the requirement in fromEndpoints, or a deny rule`,
      "  at p.yaml:7:29",
    ],
  },
  {
    description: "toRequires",
    text: egress("{ toEndpoints: [{}], toRequires: [{}] }"),
    message: [
      `${IN_RULE1}spec.egress[0].toRequires was removed in Cilium 1.19, expected the requirement in toEndpoints, or a deny rule`,
      "  at p.yaml:7:45",
    ],
  },
  {
    description: "groups of a cloud provider",
    text: ingress("{ fromGroups: [{ aws: { securityGroupsIds: [sg-1] } }] }"),
    message: [
      `${IN_RULE1}spec.ingress[0].fromGroups is not supported (the members of a group are only known to the cloud's own API), expected a CIDR rule or a CiliumCIDRGroup`,
      "  at p.yaml:7:27",
    ],
  },
  {
    description: "toFQDNs in a deny rule",
    text: egressDeny("{ toFQDNs: [{ matchName: cilium.io }] }"),
    message: [
      `${IN_RULE1}spec.egressDeny[0].toFQDNs is not possible in a deny rule (other names may have the same addresses), expected toCIDR, or a rule that allows`,
      "  at p.yaml:7:27",
    ],
  },
  {
    description: "toFQDNs under ingress",
    text: ingress("{ toFQDNs: [{ matchName: cilium.io }] }"),
    message: [
      `${IN_RULE1}spec.ingress[0].toFQDNs is an unknown field, expected one of fromEndpoints, fromCIDR, fromCIDRSet, fromEntities, fromNodes, toPorts, icmps, authentication`,
      "  at p.yaml:7:15",
      "  did you mean spec.egress[0].toFQDNs?",
    ],
  },
  {
    description: "a name and a pattern",
    text: egress('{ toFQDNs: [{ matchName: cilium.io, matchPattern: "*.io" }] }'),
    message: [
      `${IN_RULE1}spec.egress[0].toFQDNs[0] has both matchName and matchPattern, expected one of matchName, matchPattern`,
      "  at p.yaml:7:24",
    ],
  },
  {
    description: "neither name nor pattern",
    text: egress("{ toFQDNs: [{}] }"),
    message: [
      `${IN_RULE1}spec.egress[0].toFQDNs[0] has neither matchName nor matchPattern, expected one of matchName, matchPattern`,
      "  at p.yaml:7:24",
    ],
  },
  {
    description: "a pattern as a name",
    text: egress('{ toFQDNs: [{ matchName: "*.cilium.io" }] }'),
    message: [
      `${IN_RULE1}spec.egress[0].toFQDNs[0].matchName is "*.cilium.io", expected a name without *`,
      "  at p.yaml:7:37",
      "  did you mean matchPattern?",
    ],
  },
  {
    description: "a URL as a name",
    text: egress('{ toFQDNs: [{ matchName: "https://cilium.io" }] }'),
    message: [
      `${IN_RULE1}spec.egress[0].toFQDNs[0].matchName is "https://cilium.io", expected a DNS name of letters, digits, -, _ and .`,
      "  at p.yaml:7:37",
    ],
  },
  {
    description: "a pattern with a class",
    text: egress('{ toFQDNs: [{ matchPattern: "[ab].cilium.io" }] }'),
    message: [
      `${IN_RULE1}spec.egress[0].toFQDNs[0].matchPattern is "[ab].cilium.io", expected a DNS name of letters, digits, -, _, . and *`,
      "  at p.yaml:7:40",
    ],
  },
  {
    description: "a name of 256 characters",
    text: egress(`{ toFQDNs: [{ matchName: ${"a".repeat(256)} }] }`),
    message: [
      `${IN_RULE1}spec.egress[0].toFQDNs[0].matchName has 256 characters, expected at most 255`,
      "  at p.yaml:7:37",
    ],
  },
  {
    description: "authentication without a mode",
    text: ingress("{ authentication: {} }"),
    message: [
      `${IN_RULE1}spec.ingress[0].authentication has no mode, expected mode, one of disabled, required, test-always-fail`,
      "  at p.yaml:7:31",
    ],
  },
  {
    description: "an unknown mode of authentication",
    text: ingress("{ authentication: { mode: always } }"),
    message: [
      `${IN_RULE1}spec.ingress[0].authentication.mode is "always", expected one of disabled, required, test-always-fail`,
      "  at p.yaml:7:39",
    ],
  },
  {
    description: "authentication in a deny rule",
    text: ingressDeny("{ authentication: { mode: required } }"),
    message: [
      `${IN_RULE1}spec.ingressDeny[0].authentication is not possible in a deny rule, expected a rule that allows`,
      "  at p.yaml:7:35",
    ],
  },
]);
