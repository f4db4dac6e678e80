/** Policies whose subject or rules as a whole are wrong. */
import { policy, testWrong } from "../_manifest.ts";

const IN_RULE1 = 'Cannot read CiliumNetworkPolicy "default/rule1": ';
const EVERY_POD = "  endpointSelector: {}\n";
const clusterwide = (spec: string) => policy(spec, "CiliumClusterwideNetworkPolicy");

testWrong([
  {
    description: "a log text of 33 characters",
    text: policy(`${EVERY_POD}  ingress: [{}]\n  log: { value: ${"x".repeat(33)} }`),
    message: [
      `${IN_RULE1}spec.log.value has 33 characters, expected at most 32`,
      "  at p.yaml:8:17",
    ],
  },
  {
    description: "a log text with a line break",
    text: policy(`${EVERY_POD}  ingress: [{}]\n  log: { value: "a\\nb" }`),
    message: [
      `${IN_RULE1}spec.log.value has characters that do not print, expected printable text`,
      "  at p.yaml:8:17",
    ],
  },
  {
    description: "no endpointSelector",
    text: policy("  ingress: [{}]"),
    message: [
      `${IN_RULE1}spec has no endpointSelector, expected endpointSelector ({} selects every pod of the namespace)`,
      "  at p.yaml:6:3",
    ],
  },
  {
    description: "a nodeSelector in a namespace",
    text: policy("  nodeSelector: {}\n  ingress: [{}]"),
    message: [
      `${IN_RULE1}spec.nodeSelector is not possible in a CiliumNetworkPolicy, expected endpointSelector, or a CiliumClusterwideNetworkPolicy`,
      "  at p.yaml:6:17",
    ],
  },
  {
    description: "no rules at all",
    text: policy(EVERY_POD),
    message: [
      `${IN_RULE1}spec has no rules, expected at least one in ingress, ingressDeny, egress, egressDeny ({} is one)`,
      "  at p.yaml:6:3",
    ],
  },
  {
    description: "only empty lists of rules",
    text: policy(`${EVERY_POD}  ingress: []\n  egressDeny: []`),
    message: [
      `${IN_RULE1}spec has no rules, expected at least one in ingress, ingressDeny, egress, egressDeny ({} is one)`,
      "  at p.yaml:6:3",
    ],
  },
  {
    description: "a clusterwide policy with both selectors",
    text: clusterwide("  endpointSelector: {}\n  nodeSelector: {}\n  ingress: [{}]"),
    message: [
      'Cannot read CiliumClusterwideNetworkPolicy "rule1": spec has both endpointSelector and nodeSelector, expected endpointSelector for pods, or nodeSelector for the nodes themselves',
      "  at p.yaml:6:3",
    ],
  },
  {
    description: "a clusterwide policy with neither selector",
    text: clusterwide("  ingress: [{}]"),
    message: [
      'Cannot read CiliumClusterwideNetworkPolicy "rule1": spec has neither endpointSelector nor nodeSelector, expected endpointSelector for pods, or nodeSelector for the nodes themselves',
      "  at p.yaml:6:3",
    ],
  },
  {
    description: "a clusterwide policy in a namespace",
    text: clusterwide(`${EVERY_POD}  ingress: [{}]`).replace("rule1", "rule1\n  namespace: blue"),
    message: [
      'Cannot read CiliumClusterwideNetworkPolicy "blue/rule1": has the namespace "blue", expected none: it is clusterwide',
      "  at p.yaml:1:1",
    ],
  },
  {
    description: "a host policy with L7 rules",
    text: clusterwide(
      '  nodeSelector: {}\n  ingress: [{ toPorts: [{ ports: [{ port: "80", protocol: TCP }], rules: { http: [{}] } }] }]',
    ),
    message: [
      'Cannot read CiliumClusterwideNetworkPolicy "rule1": spec.ingress[0].toPorts[0].rules is not possible in a host policy, expected ports alone',
      "  at p.yaml:7:74",
    ],
  },
  {
    description: "a host policy with server names",
    text: clusterwide(
      '  nodeSelector: {}\n  egress: [{ toPorts: [{ ports: [{ port: "443", protocol: TCP }], serverNames: [a] }] }]',
    ),
    message: [
      'Cannot read CiliumClusterwideNetworkPolicy "rule1": spec.egress[0].toPorts[0].serverNames is not possible in a host policy, expected ports alone',
      "  at p.yaml:7:80",
    ],
  },
  {
    description: "enableDefaultDeny that is a text",
    text: policy(`${EVERY_POD}  enableDefaultDeny: { ingress: "no" }\n  ingress: [{}]`),
    message: [
      `${IN_RULE1}spec.enableDefaultDeny.ingress is "no", expected true or false`,
      "  at p.yaml:7:33",
    ],
  },
  {
    description: "an operator in lower case",
    text: policy(
      "  endpointSelector: { matchExpressions: [{ key: a, operator: in, values: [b] }] }",
    ),
    message: [
      `${IN_RULE1}spec.endpointSelector.matchExpressions[0].operator is "in", expected one of In, NotIn, Exists, DoesNotExist`,
      "  at p.yaml:6:62",
      "  did you mean In?",
    ],
  },
  {
    description: "In without values",
    text: policy("  endpointSelector: { matchExpressions: [{ key: a, operator: In }] }"),
    message: [
      `${IN_RULE1}spec.endpointSelector.matchExpressions[0] has no values for In, expected at least one`,
      "  at p.yaml:6:42",
    ],
  },
  {
    description: "Exists with values",
    text: policy(
      "  endpointSelector: { matchExpressions: [{ key: a, operator: Exists, values: [b] }] }",
    ),
    message: [
      `${IN_RULE1}spec.endpointSelector.matchExpressions[0] has values for Exists, expected none`,
      "  at p.yaml:6:42",
    ],
  },
  {
    description: "a number as a label value",
    text: policy("  endpointSelector: { matchLabels: { tier: 1 } }"),
    message: [
      `${IN_RULE1}spec.endpointSelector.matchLabels.tier is 1, expected a string (quote it)`,
      "  at p.yaml:6:44",
    ],
  },
  {
    description: "a label value with a space",
    text: policy("  endpointSelector: { matchLabels: { tier: a b } }"),
    message: [
      `${IN_RULE1}spec.endpointSelector.matchLabels.tier is "a b", expected a label value (63 letters, digits, -, _ or .)`,
      "  at p.yaml:6:44",
    ],
  },
  {
    description: "a label key that is none",
    text: policy('  endpointSelector: { matchLabels: { "a b": c } }'),
    message: [
      `${IN_RULE1}spec.endpointSelector.matchLabels.a b is not a label key, expected [source:][prefix/]name`,
      "  at p.yaml:6:45",
    ],
  },
  {
    description: "an unknown label source",
    text: policy('  endpointSelector: { matchLabels: { "k8:tier": web } }'),
    message: [
      `${IN_RULE1}spec.endpointSelector.matchLabels.k8:tier has the unknown label source "k8", expected one of any, k8s, reserved, cidr, cidrgroup, fqdn, node`,
      "  at p.yaml:6:49",
      "  did you mean k8s?",
    ],
  },
  {
    description: "a label source of a container runtime",
    text: policy('  endpointSelector: { matchLabels: { "container:tier": web } }'),
    message: [
      `${IN_RULE1}spec.endpointSelector.matchLabels.container:tier selects labels of source container, which no identity has, expected one of any, k8s, reserved, cidr, cidrgroup, fqdn, node`,
      "  at p.yaml:6:56",
    ],
  },
  {
    description: "labels without matchLabels",
    text: policy("  endpointSelector: { app: web }\n  ingress: [{}]"),
    message: [
      `${IN_RULE1}spec.endpointSelector.app is an unknown field, expected one of matchLabels, matchExpressions`,
      "  at p.yaml:6:23",
      "  did you mean spec.endpointSelector.matchLabels.app?",
    ],
  },
]);
