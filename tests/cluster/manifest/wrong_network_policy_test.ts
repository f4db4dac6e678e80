/** Kubernetes NetworkPolicies that the API server would refuse. */
import { testWrong } from "../_manifest.ts";

const IN_DENY = 'Cannot read NetworkPolicy "blue/deny": ';
const EVERY_POD = "  podSelector: {}\n";

/** Writes a NetworkPolicy `blue/deny` around the lines of its spec, the first of them line 5. */
const deny = (spec: string) =>
  `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: deny, namespace: blue }
spec:
${spec}`;

testWrong([
  {
    description: "a NetworkPolicy without a podSelector",
    text: deny("  ingress: []"),
    message: [
      `${IN_DENY}spec has no podSelector, expected podSelector ({} selects every pod of the namespace)`,
      "  at p.yaml:5:3",
    ],
  },
  {
    description: "a NetworkPolicy with the selector of Cilium",
    text: deny("  endpointSelector: {}\n  ingress: []"),
    message: [
      `${IN_DENY}spec.endpointSelector is an unknown field, expected one of podSelector, policyTypes, ingress, egress`,
      "  at p.yaml:5:3",
    ],
  },
  {
    description: "a NetworkPolicy with fromEndpoints",
    text: deny(`${EVERY_POD}  ingress: [{ fromEndpoints: [{}] }]`),
    message: [
      `${IN_DENY}spec.ingress[0].fromEndpoints is an unknown field, expected one of from, ports`,
      "  at p.yaml:6:15",
    ],
  },
  {
    description: "a peer without a dash of its own",
    text: deny(`${EVERY_POD}  ingress:\n  - from:\n    namespaceSelector: {}`),
    message: [
      `${IN_DENY}spec.ingress[0].namespaceSelector is an unknown field, expected one of from, ports`,
      "  at p.yaml:8:5",
      "  did you mean spec.ingress[0].from[0].namespaceSelector?",
    ],
  },
  {
    description: "an empty peer",
    text: deny(`${EVERY_POD}  ingress: [{ from: [{}] }]`),
    message: [
      `${IN_DENY}spec.ingress[0].from[0] is empty, expected podSelector, namespaceSelector or ipBlock`,
      "  at p.yaml:6:22",
    ],
  },
  {
    description: "an ipBlock with a selector",
    text: deny(
      `${EVERY_POD}  ingress: [{ from: [{ podSelector: {}, ipBlock: { cidr: 10.0.0.0/8 } }] }]`,
    ),
    message: [
      `${IN_DENY}spec.ingress[0].from[0] has both ipBlock and a selector, expected a peer for each of the two`,
      "  at p.yaml:6:22",
    ],
  },
  {
    description: "an ipBlock without a block",
    text: deny(`${EVERY_POD}  ingress: [{ from: [{ ipBlock: { except: [10.0.0.0/8] } }] }]`),
    message: [
      `${IN_DENY}spec.ingress[0].from[0].ipBlock has no cidr, expected cidr`,
      "  at p.yaml:6:33",
    ],
  },
  {
    description: "a bare address in an ipBlock",
    text: deny(`${EVERY_POD}  ingress: [{ from: [{ ipBlock: { cidr: 10.0.0.1 } }] }]`),
    message: [
      `${IN_DENY}spec.ingress[0].from[0].ipBlock.cidr is "10.0.0.1", expected an address block like 10.0.0.0/8 or fd00::/8`,
      "  at p.yaml:6:41",
    ],
  },
  {
    description: "an exception outside of an ipBlock",
    text: deny(
      `${EVERY_POD}  ingress: [{ from: [{ ipBlock: { cidr: 10.0.0.0/8, except: [192.168.0.0/16] } }] }]`,
    ),
    message: [
      `${IN_DENY}spec.ingress[0].from[0].ipBlock.except[0] is 192.168.0.0/16, outside of 10.0.0.0/8, expected a block inside of it`,
      "  at p.yaml:6:62",
    ],
  },
  {
    description: "an exception that is all of an ipBlock",
    text: deny(
      `${EVERY_POD}  ingress: [{ from: [{ ipBlock: { cidr: 10.0.0.0/8, except: [10.0.0.0/8] } }] }]`,
    ),
    message: [
      `${IN_DENY}spec.ingress[0].from[0].ipBlock.except[0] is 10.0.0.0/8, all of 10.0.0.0/8, expected a smaller block inside of it`,
      "  at p.yaml:6:62",
    ],
  },
  {
    description: "a quoted port number",
    text: deny(`${EVERY_POD}  ingress: [{ ports: [{ port: "80" }] }]`),
    message: [
      `${IN_DENY}spec.ingress[0].ports[0].port is "80", expected a port number, or the name of a container port (15 lower-case letters, digits and hyphens)`,
      "  at p.yaml:6:31",
      "  did you mean 80 without quotes?",
    ],
  },
  {
    description: "port 0 of a NetworkPolicy",
    text: deny(`${EVERY_POD}  ingress: [{ ports: [{ port: 0 }] }]`),
    message: [
      `${IN_DENY}spec.ingress[0].ports[0].port is 0, expected a number from 1 to 65535`,
      "  at p.yaml:6:31",
    ],
  },
  {
    description: "a protocol in lower case",
    text: deny(`${EVERY_POD}  ingress: [{ ports: [{ protocol: tcp, port: 80 }] }]`),
    message: [
      `${IN_DENY}spec.ingress[0].ports[0].protocol is "tcp", expected one of TCP, UDP, SCTP`,
      "  at p.yaml:6:35",
      "  did you mean TCP?",
    ],
  },
  {
    description: "endPort without a port",
    text: deny(`${EVERY_POD}  ingress: [{ ports: [{ endPort: 80 }] }]`),
    message: [
      `${IN_DENY}spec.ingress[0].ports[0].endPort is set without a port, expected port, the first of the range`,
      "  at p.yaml:6:34",
    ],
  },
  {
    description: "endPort with a named port",
    text: deny(`${EVERY_POD}  ingress: [{ ports: [{ port: web, endPort: 80 }] }]`),
    message: [
      `${IN_DENY}spec.ingress[0].ports[0].endPort is set with a named port, expected a port number, or no endPort`,
      "  at p.yaml:6:45",
    ],
  },
  {
    description: "endPort below the port",
    text: deny(`${EVERY_POD}  ingress: [{ ports: [{ port: 90, endPort: 80 }] }]`),
    message: [
      `${IN_DENY}spec.ingress[0].ports[0].endPort is 80, below port 90, expected 90 to 65535`,
      "  at p.yaml:6:44",
    ],
  },
  {
    description: "a policy type in lower case",
    text: deny(`${EVERY_POD}  policyTypes: [ingress]`),
    message: [
      `${IN_DENY}spec.policyTypes[0] is "ingress", expected one of Ingress, Egress`,
      "  at p.yaml:6:17",
      "  did you mean Ingress?",
    ],
  },
  {
    description: "a label key with a source in a NetworkPolicy",
    text: deny('  podSelector: { matchLabels: { "k8s:app": web } }'),
    message: [
      `${IN_DENY}spec.podSelector.matchLabels.k8s:app is not a label key, expected [prefix/]name`,
      "  at p.yaml:5:44",
    ],
  },
  {
    description: "a NetworkPolicy of another project",
    text: deny(EVERY_POD).replace("networking.k8s.io", "crd.projectcalico.org"),
    message: [
      `${IN_DENY}apiVersion is "crd.projectcalico.org/v1", expected networking.k8s.io/v1`,
      "  at p.yaml:1:13",
    ],
  },
]);
