/** Manifests that are not what the schema says, each with all that their author sees. */
import { policy, testWrong } from "../_manifest.ts";

const IN_RULE1 = 'Cannot read CiliumNetworkPolicy "default/rule1": ';
const EVERY_POD = "  endpointSelector: {}\n";
const ingress = (rule: string) => policy(`${EVERY_POD}  ingress: [${rule}]`);

testWrong([
  {
    description: "a text without end, of which it quotes the start",
    text: policy(`${EVERY_POD}  ingress: ${"all ".repeat(1000)}`),
    message: [
      `${IN_RULE1}spec.ingress is "${"all ".repeat(29)}…, expected a list`,
      "  at p.yaml:7:12",
    ],
  },
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
    message: [
      `${IN_RULE1}spec.toPorts is an unknown field, expected one of endpointSelector, ingress, ingressDeny, egress, egressDeny, enableDefaultDeny, log, description, labels`,
      "  at p.yaml:11:3",
      "  did you mean spec.ingress[0].toPorts?",
    ],
  },
  {
    description: "the same under egress",
    text: policy(`${EVERY_POD}  egress: [{}]\n  toPorts: []`),
    message: [
      `${IN_RULE1}spec.toPorts is an unknown field, expected one of endpointSelector, ingress, ingressDeny, egress, egressDeny, enableDefaultDeny, log, description, labels`,
      "  at p.yaml:8:3",
      "  did you mean spec.egress[0].toPorts?",
    ],
  },
  {
    description: "a misspelt field",
    text: policy("  endpointSelecter: {}\n  ingress: [{}]"),
    message: [
      `${IN_RULE1}spec.endpointSelecter is an unknown field, expected one of endpointSelector, ingress, ingressDeny, egress, egressDeny, enableDefaultDeny, log, description, labels`,
      "  at p.yaml:6:3",
      "  did you mean spec.endpointSelector?",
    ],
  },
  {
    description: "a field that nobody knows",
    text: policy(`${EVERY_POD}  ingress: [{}]\n  colour: red`),
    message: [
      `${IN_RULE1}spec.colour is an unknown field, expected one of endpointSelector, ingress, ingressDeny, egress, egressDeny, enableDefaultDeny, log, description, labels`,
      "  at p.yaml:8:3",
    ],
  },
  {
    description: "a field of egress under ingress",
    text: ingress("{ toEndpoints: [{}] }"),
    message: [
      `${IN_RULE1}spec.ingress[0].toEndpoints is an unknown field, expected one of fromEndpoints, fromCIDR, fromCIDRSet, fromEntities, fromNodes, toPorts, icmps, authentication`,
      "  at p.yaml:7:15",
      "  did you mean spec.egress[0].toEndpoints?",
    ],
  },
  {
    description: "L7 rules beside toPorts",
    text: ingress("{ rules: { http: [{}] } }"),
    message: [
      `${IN_RULE1}spec.ingress[0].rules is an unknown field, expected one of fromEndpoints, fromCIDR, fromCIDRSet, fromEntities, fromNodes, toPorts, icmps, authentication`,
      "  at p.yaml:7:15",
      "  did you mean spec.ingress[0].toPorts[0].rules?",
    ],
  },
  {
    description: "a YAML syntax error",
    text: policy("  endpointSelector: [\n  ingress: {}"),
    message: [
      'Cannot parse "p.yaml": Flow sequence in block collection must be sufficiently indented and end with a ], expected YAML',
      "  at p.yaml:7:3",
    ],
  },
  {
    description: "an empty namespace",
    text: ingress("{}").replace("rule1", 'rule1\n  namespace: ""'),
    message: [
      'Cannot read CiliumNetworkPolicy "rule1": metadata.namespace is empty, expected a namespace name, or no namespace field for the default one',
      "  at p.yaml:5:14",
    ],
  },
  {
    description: "a misspelt namespace",
    text: ingress("{}").replace("rule1", "rule1\n  namspace: blue"),
    message: [
      'Cannot read CiliumNetworkPolicy "rule1": metadata.namspace is an unknown field, expected one of name, namespace, labels, annotations, generateName, selfLink, uid, resourceVersion, generation, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, ownerReferences, finalizers, managedFields',
      "  at p.yaml:5:3",
      "  did you mean metadata.namespace?",
    ],
  },
  {
    description: "misspelt metadata",
    text: ingress("{}").replace("metadata", "metdata"),
    message: [
      "Cannot read CiliumNetworkPolicy: metdata is an unknown field, expected one of apiVersion, kind, metadata, spec, specs, status",
      "  at p.yaml:3:1",
      "  did you mean metadata?",
    ],
  },
  {
    description: "no metadata",
    text: ingress("{}").replace("metadata:\n  name: rule1\n", ""),
    message: [
      "Cannot read CiliumNetworkPolicy: has no metadata, expected metadata.name",
      "  at p.yaml:1:1",
    ],
  },
  {
    description: "no name",
    text: ingress("{}").replace("name: rule1", "namespace: blue"),
    message: [
      "Cannot read CiliumNetworkPolicy: metadata has no name, expected metadata.name",
      "  at p.yaml:4:3",
    ],
  },
  {
    description: "a name in capitals",
    text: ingress("{}").replace("rule1", "Rule1"),
    message: [
      'Cannot read CiliumNetworkPolicy "Rule1": metadata.name is "Rule1", expected a lower-case DNS name',
      "  at p.yaml:4:9",
    ],
  },
  {
    description: "no kind",
    text: ingress("{}").replace("kind: CiliumNetworkPolicy\n", ""),
    message: ["Cannot read object: has no kind, expected kind", "  at p.yaml:1:1"],
  },
  {
    description: "no apiVersion",
    text: ingress("{}").replace("apiVersion: cilium.io/v2\n", ""),
    message: [
      'Cannot read CiliumNetworkPolicy "rule1": has no apiVersion, expected apiVersion cilium.io/v2',
      "  at p.yaml:1:1",
    ],
  },
  {
    description: "another version",
    text: ingress("{}").replace("cilium.io/v2", "cilium.io/v2alpha1"),
    message: [
      'Cannot read CiliumNetworkPolicy "rule1": apiVersion is "cilium.io/v2alpha1", expected cilium.io/v2',
      "  at p.yaml:1:13",
    ],
  },
  {
    description: "another group",
    text: ingress("{}").replace("cilium.io/v2", "networking.k8s.io/v1"),
    message: [
      'Cannot read CiliumNetworkPolicy "rule1": apiVersion is "networking.k8s.io/v1", expected cilium.io/v2',
      "  at p.yaml:1:13",
    ],
  },
  {
    description: "a time that is none",
    text: ingress("{}").replace("rule1", "rule1\n  creationTimestamp: yesterday"),
    message: [
      'Cannot read CiliumNetworkPolicy "rule1": metadata.creationTimestamp is "yesterday", expected a time like 2026-01-31T12:00:00Z',
      "  at p.yaml:5:22",
    ],
  },
  {
    description: "a list where an object belongs",
    text: policy("  endpointSelector: []"),
    message: [`${IN_RULE1}spec.endpointSelector is a list, expected an object`, "  at p.yaml:6:21"],
  },
  {
    description: "an object where a list belongs",
    text: policy(`${EVERY_POD}  ingress: {}`),
    message: [`${IN_RULE1}spec.ingress is an object, expected a list`, "  at p.yaml:7:12"],
  },
  {
    description: "a text where a list belongs",
    text: policy(`${EVERY_POD}  ingress: all`),
    message: [`${IN_RULE1}spec.ingress is "all", expected a list`, "  at p.yaml:7:12"],
  },
  {
    description: "an unknown anchor",
    text: policy("  endpointSelector: *nowhere\n  ingress: [{}]"),
    message: [
      `${IN_RULE1}spec.endpointSelector refers to an unknown anchor *nowhere, expected an anchor`,
      "  at p.yaml:6:21",
    ],
  },
  {
    description: "a merge key",
    text: policy("  endpointSelector: { <<: {} }\n  ingress: [{}]"),
    message: [
      `${IN_RULE1}spec.endpointSelector has a merge key (<<), expected the fields written out`,
      "  at p.yaml:6:21",
    ],
  },
  {
    description: "the same field twice",
    text: policy(`${EVERY_POD}  ingress: [{}]\n  ingress: []`),
    message: [
      `${IN_RULE1}spec.ingress is there twice, expected each field once`,
      "  at p.yaml:8:3",
    ],
  },
  {
    description: "two specs of one name",
    text: `${ingress("{}")}\nspec: {}`,
    message: [
      'Cannot read CiliumNetworkPolicy "rule1": spec is there twice, expected each field once',
      "  at p.yaml:8:1",
    ],
  },
  {
    description: "neither spec nor specs",
    text: policy(""),
    message: [`${IN_RULE1}has neither spec nor specs, expected spec`, "  at p.yaml:1:1"],
  },
]);
