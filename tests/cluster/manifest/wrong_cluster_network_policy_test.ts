/** ClusterNetworkPolicies, and those of the older API, that the API server would refuse. */
import { testWrong } from "../_manifest.ts";

const IN_CLUSTER = 'Cannot read ClusterNetworkPolicy "cluster": ';

/** Writes a ClusterNetworkPolicy around the lines of its spec, the first of them line 5. */
const cluster = (spec: string) =>
  `apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: { name: cluster }
spec:
${spec}`;

const HEAD = "  tier: Admin\n  priority: 10\n  subject: { namespaces: {} }\n";
const ingress = (rule: string) => cluster(`${HEAD}  ingress: [${rule}]`);
const egress = (rule: string) => cluster(`${HEAD}  egress: [${rule}]`);

testWrong([
  {
    description: "a ClusterNetworkPolicy without a tier",
    text: cluster("  priority: 1\n  subject: { namespaces: {} }"),
    message: [`${IN_CLUSTER}spec has no tier, expected tier, Admin or Baseline`, "  at p.yaml:5:3"],
  },
  {
    description: "a tier of one's own",
    text: cluster("  tier: Platform\n  priority: 1\n  subject: { namespaces: {} }"),
    message: [
      `${IN_CLUSTER}spec.tier is "Platform", expected one of Admin, Baseline`,
      "  at p.yaml:5:9",
    ],
  },
  {
    description: "a ClusterNetworkPolicy without a priority",
    text: cluster("  tier: Admin\n  subject: { namespaces: {} }"),
    message: [`${IN_CLUSTER}spec has no priority, expected priority, 0 to 1000`, "  at p.yaml:5:3"],
  },
  {
    description: "a priority above 1000",
    text: cluster("  tier: Admin\n  priority: 1001\n  subject: { namespaces: {} }"),
    message: [
      `${IN_CLUSTER}spec.priority is 1001, expected a number from 0 to 1000`,
      "  at p.yaml:6:13",
    ],
  },
  {
    description: "a ClusterNetworkPolicy without a subject",
    text: cluster("  tier: Admin\n  priority: 1"),
    message: [`${IN_CLUSTER}spec has no subject, expected subject`, "  at p.yaml:5:3"],
  },
  {
    description: "a subject of two kinds",
    text: cluster(
      "  tier: Admin\n  priority: 1\n  subject: { namespaces: {}, pods: { namespaceSelector: {}, podSelector: {} } }",
    ),
    message: [
      `${IN_CLUSTER}spec.subject has both namespaces and pods, expected one of namespaces, pods`,
      "  at p.yaml:7:12",
    ],
  },
  {
    description: "a subject of pods without namespaces",
    text: cluster("  tier: Admin\n  priority: 1\n  subject: { pods: { podSelector: {} } }"),
    message: [
      `${IN_CLUSTER}spec.subject.pods has no namespaceSelector, expected namespaceSelector ({} selects all)`,
      "  at p.yaml:7:20",
    ],
  },
  {
    description: "a ClusterNetworkPolicy in a namespace",
    text: egress("{ action: Deny, to: [{ namespaces: {} }] }").replace(
      "cluster }",
      "cluster, namespace: blue }",
    ),
    message: [
      'Cannot read ClusterNetworkPolicy "blue/cluster": has the namespace "blue", expected none: it is clusterwide',
      "  at p.yaml:1:1",
    ],
  },
  {
    description: "the action of the older API",
    text: egress("{ action: Allow, to: [{ namespaces: {} }] }"),
    message: [
      `${IN_CLUSTER}spec.egress[0].action is "Allow", expected one of Accept, Deny, Pass`,
      "  at p.yaml:8:22",
      "  did you mean Accept?",
    ],
  },
  {
    description: "a rule without an action",
    text: egress("{ to: [{ namespaces: {} }] }"),
    message: [
      `${IN_CLUSTER}spec.egress[0] has no action, expected action, one of Accept, Deny, Pass`,
      "  at p.yaml:8:12",
    ],
  },
  {
    description: "a rule without peers",
    text: egress("{ action: Deny }"),
    message: [
      `${IN_CLUSTER}spec.egress[0] has no to, expected to with at least one peer`,
      "  at p.yaml:8:12",
    ],
  },
  {
    description: "an empty list of peers",
    text: egress("{ action: Deny, to: [] }"),
    message: [
      `${IN_CLUSTER}spec.egress[0].to is an empty list, expected at least one peer`,
      "  at p.yaml:8:32",
    ],
  },
  {
    description: "networks under ingress",
    text: ingress("{ action: Deny, from: [{ networks: [10.0.0.0/8] }] }"),
    message: [
      `${IN_CLUSTER}spec.ingress[0].from[0].networks is an unknown field, expected one of namespaces, pods`,
      "  at p.yaml:8:38",
      "  did you mean spec.egress[0].to[0].networks?",
    ],
  },
  {
    description: "a network with bits after its length",
    text: egress("{ action: Deny, to: [{ networks: [10.1.0.0/8] }] }"),
    message: [
      `${IN_CLUSTER}spec.egress[0].to[0].networks[0] is "10.1.0.0/8", inside a larger block, expected its first address`,
      "  at p.yaml:8:46",
      "  did you mean 10.0.0.0/8?",
    ],
  },
  {
    description: "domain names in a rule that denies",
    text: egress("{ action: Deny, to: [{ domainNames: [cilium.io] }] }"),
    message: [
      `${IN_CLUSTER}spec.egress[0].to has domainNames with action Deny, expected domainNames in a rule that accepts`,
      "  at p.yaml:8:32",
    ],
  },
  {
    description: "a star inside a domain name",
    text: egress("{ action: Accept, to: [{ domainNames: [www.*.io] }] }"),
    message: [
      `${IN_CLUSTER}spec.egress[0].to[0].domainNames[0] is "www.*.io", expected a domain name, or *. before one`,
      "  at p.yaml:8:51",
    ],
  },
  {
    description: "a named port of a network",
    text: egress(
      "{ action: Accept, to: [{ networks: [10.0.0.0/8] }], protocols: [{ destinationNamedPort: web }] }",
    ),
    message: [
      `${IN_CLUSTER}spec.egress[0].protocols has a named port for peers that are no pods, expected a port number with nodes, networks and domainNames`,
      "  at p.yaml:8:75",
    ],
  },
  {
    description: "a protocol without a port",
    text: egress("{ action: Accept, to: [{ namespaces: {} }], protocols: [{ tcp: {} }] }"),
    message: [
      `${IN_CLUSTER}spec.egress[0].protocols[0].tcp is empty, expected destinationPort`,
      "  at p.yaml:8:75",
    ],
  },
  {
    description: "two protocols in one item",
    text: egress(
      "{ action: Accept, to: [{ namespaces: {} }], protocols: [{ tcp: { destinationPort: { number: 80 } }, udp: { destinationPort: { number: 80 } } }] }",
    ),
    message: [
      `${IN_CLUSTER}spec.egress[0].protocols[0] has both tcp and udp, expected one of tcp, udp, sctp, destinationNamedPort`,
      "  at p.yaml:8:68",
    ],
  },
  {
    description: "a number and a range",
    text: egress(
      "{ action: Accept, to: [{ namespaces: {} }], protocols: [{ tcp: { destinationPort: { number: 80, range: { start: 1, end: 2 } } } }] }",
    ),
    message: [
      `${IN_CLUSTER}spec.egress[0].protocols[0].tcp.destinationPort has both number and range, expected one of number, range`,
      "  at p.yaml:8:94",
    ],
  },
  {
    description: "a range of one port",
    text: egress(
      "{ action: Accept, to: [{ namespaces: {} }], protocols: [{ tcp: { destinationPort: { range: { start: 80, end: 80 } } } }] }",
    ),
    message: [
      `${IN_CLUSTER}spec.egress[0].protocols[0].tcp.destinationPort.range.end is 80, not above start 80, expected 81 to 65535`,
      "  at p.yaml:8:121",
    ],
  },
  {
    description: "more than 25 rules",
    text: egress(Array(26).fill("{ action: Deny, to: [{ namespaces: {} }] }").join()),
    message: [`${IN_CLUSTER}spec.egress has 26 rules, expected at most 25`, "  at p.yaml:8:11"],
  },
  {
    description: "the ports of the older API",
    text: egress("{ action: Deny, to: [{ namespaces: {} }], ports: [] }"),
    message: [
      `${IN_CLUSTER}spec.egress[0].ports is an unknown field, expected one of name, action, to, protocols`,
      "  at p.yaml:8:54",
    ],
  },
  {
    description: "an AdminNetworkPolicy that accepts",
    text: egress("{ action: Accept, to: [{ namespaces: {} }] }").replace("v1alpha2", "v1alpha1")
      .replace("ClusterN", "AdminN").replace("  tier: Admin\n", ""),
    message: [
      'Cannot read AdminNetworkPolicy "cluster": spec.egress[0].action is "Accept", expected one of Allow, Deny, Pass',
      "  at p.yaml:7:22",
      "  did you mean Allow?",
    ],
  },
  {
    description: "an AdminNetworkPolicy with a tier",
    text: egress("{ action: Allow, to: [{ namespaces: {} }] }").replace("v1alpha2", "v1alpha1")
      .replace("ClusterN", "AdminN"),
    message: [
      'Cannot read AdminNetworkPolicy "cluster": spec.tier is an unknown field, expected one of priority, subject, ingress, egress',
      "  at p.yaml:5:3",
    ],
  },
  {
    description: "a baseline policy that passes",
    text:
      `apiVersion: policy.networking.k8s.io/v1alpha1\nkind: BaselineAdminNetworkPolicy\nmetadata: { name: default }\nspec:\n  subject: { namespaces: {} }\n  egress: [{ action: Pass, to: [{ namespaces: {} }] }]`,
    message: [
      'Cannot read BaselineAdminNetworkPolicy "default": spec.egress[0].action is "Pass", expected one of Allow, Deny',
      "  at p.yaml:6:22",
    ],
  },
  {
    description: "a second baseline policy",
    text:
      `apiVersion: policy.networking.k8s.io/v1alpha1\nkind: BaselineAdminNetworkPolicy\nmetadata: { name: mine }\nspec:\n  subject: { namespaces: {} }`,
    message: [
      'Cannot read BaselineAdminNetworkPolicy "mine": has the name "mine", expected "default", the only one',
      "  at p.yaml:1:1",
    ],
  },
]);
