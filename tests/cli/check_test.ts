import { SHOP } from "./_clusters.ts";
import { type CommandRow, commandTests } from "./_command.ts";

/** A policy for `shop/web` (or other pods), to stand beside the shop. */
function policy(spec: string, app = "web"): string {
  return `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: p, namespace: shop }
spec:
  endpointSelector: { matchLabels: { app: ${app} } }
${spec}`;
}

interface Lint {
  readonly description: string;
  readonly text: string;
  readonly says?: string;
}

const LINTS: readonly Lint[] = [
  { description: "nothing is odd", text: policy("  egress: [{ toEntities: [world] }]") },
  {
    description: "a policy for no pod",
    text: policy("  ingress: [{}, {}]", "wbe"),
    says: "selects-nothing: shop/p ingress[0] is for no pod: none has app=wbe, namespace=shop",
  },
  {
    description: "a peer that is in another namespace",
    text: policy("  ingress: [{ fromEndpoints: [{ matchLabels: { app: monitor } }] }]"),
    says: "selects-nothing: shop/p ingress[0] names no peer: none has app=monitor, " +
      "cluster=default, namespace=shop",
  },
  {
    description: "an allowance that a denial covers",
    text: policy(`
  ingress:
    - fromEndpoints: [{ matchLabels: { app: api } }]
      toPorts: [{ ports: [{ port: "80", protocol: TCP }] }]
  ingressDeny:
    - fromEndpoints: [{}]
`),
    says: "never-decides: shop/p ingress[0] decides nothing: whatever it allows is decided by " +
      "shop/p ingressDeny[0]",
  },
  {
    description: "an allowance that a denial covers in part only",
    text: policy(`
  ingress:
    - fromEndpoints: [{ matchLabels: { app: api } }]
      toPorts: [{ ports: [{ port: "80", endPort: 81, protocol: TCP }] }]
  ingressDeny:
    - fromEndpoints: [{}]
      toPorts: [{ ports: [{ port: "80", protocol: TCP }] }]
`),
  },
  {
    description: "the port of a service, where its pods listen on another one",
    text: policy(`
  egress:
    - toEndpoints: [{ matchLabels: { app: api } }]
      toPorts: [{ ports: [{ port: "80", protocol: TCP }] }]
---
apiVersion: v1
kind: Service
metadata: { name: api, namespace: shop }
spec: { selector: { app: api }, ports: [{ port: 80, targetPort: 8080 }], clusterIP: 10.96.0.9 }
`),
    says: "service-port: shop/p egress[0] names port 80/TCP of service shop/api, whose pods " +
      "listen on 8080: policy sees 8080",
  },
  {
    description: "both ports of a service",
    text: policy(`
  egress:
    - toEndpoints: [{ matchLabels: { app: api } }]
      toPorts: [{ ports: [{ port: "80", protocol: TCP }, { port: "8080", protocol: TCP }] }]
---
apiVersion: v1
kind: Service
metadata: { name: api, namespace: shop }
spec: { selector: { app: api }, ports: [{ port: 80, targetPort: 8080 }], clusterIP: 10.96.0.9 }
`),
  },
  {
    description: "a block that holds pods",
    text: policy("  egress: [{ toCIDR: [10.0.0.0/8] }]"),
    says: "block-of-pods: shop/p egress[0] names 10.0.0.0/8, which holds pod shop/web " +
      "(10.0.0.1): blocks are for addresses outside of the cluster",
  },
  {
    description: "a block that leaves the pods out",
    text: policy("  egress: [{ toCIDRSet: [{ cidr: 10.0.0.0/8, except: [10.0.0.0/24] }] }]"),
  },
  {
    description: "a port name that the pod does not declare",
    text: policy(`  ingress: [{ toPorts: [{ ports: [{ port: http, protocol: TCP }] }] }]`),
    says: `port-name: shop/p ingress[0] asks for port "http": shop/web does not declare it`,
  },
  {
    description: "DNS names that nobody learns",
    text: policy(`  egress: [{ toFQDNs: [{ matchName: example.com }] }]`),
    says: "no-dns: shop/p egress[0] names peers by DNS, but no rule for shop/web has rules.dns: " +
      "their addresses are never learned",
  },
];

/** Objects of the shop, and the policy. */
const COUNT = 9;

const UNKNOWN = "spec.egres is an unknown field, expected one of endpointSelector, ingress, " +
  "ingressDeny, egress, egressDeny, enableDefaultDeny, log, description, labels " +
  "(DIR/p.yaml:7:3), did you mean spec.egress?";

const ROWS: readonly CommandRow[] = [
  ...LINTS.map(({ description, text, says }): CommandRow => ({
    description,
    args: ["-f", "DIR/shop.yaml", "-f", "DIR/p.yaml", "--strict"],
    files: { "shop.yaml": SHOP, "p.yaml": text },
    stdout: [
      ...says === undefined ? [] : [`DIR/p.yaml:2: ${says}`],
      `${text.includes("kind: Service") ? COUNT + 1 : COUNT} objects, ${
        says === undefined ? "nothing odd" : "1 odd"
      }`,
    ],
    code: says === undefined ? 0 : 1,
  })),
  {
    description: "what is odd does not fail without --strict",
    args: ["-f", "DIR/shop.yaml", "-f", "DIR/p.yaml", "-o", "jsonl"],
    files: { "shop.yaml": SHOP, "p.yaml": policy("  egress: [{ toCIDR: [10.0.0.3/32] }]") },
    stdout: [
      `{"kind":"block-of-pods","rule":{"kind":"CiliumNetworkPolicy","namespace":"shop",` +
      `"name":"p","direction":"egress","index":0},"text":"names 10.0.0.3/32, which holds pod ` +
      `shop/db (10.0.0.3): blocks are for addresses outside of the cluster","location":{"file":"DIR/p.yaml","line":2,"column":1}}`,
    ],
    code: 0,
  },
  {
    description: "what is invalid fails, and the rest is still looked at",
    args: ["-f", "DIR/p.yaml", "DIR/pod.yaml"],
    files: {
      "p.yaml": policy(`  ingress: [{ fromCIDR: [10.0.0.0/33] }]`),
      "pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: { name: a }\n",
    },
    stdout: ["1 object, nothing odd"],
    stderr: [
      `Cannot read CiliumNetworkPolicy "shop/p": spec.ingress[0].fromCIDR[0] is "10.0.0.0/33", ` +
      `expected an address block like 10.0.0.0/8 or fd00::/8 (DIR/p.yaml:7:26)`,
    ],
    code: 2,
  },
  {
    description: "an unknown field is an error",
    args: ["-f", "DIR/p.yaml"],
    files: { "p.yaml": policy(`  egres: []\n  ingress: [{}]`) },
    stdout: ["0 objects, nothing odd"],
    stderr: [
      `Cannot read CiliumNetworkPolicy "shop/p": ${UNKNOWN}`,
    ],
    code: 2,
  },
  {
    description: "an unknown field is a warning with --lenient",
    args: ["-f", "DIR/p.yaml", "--lenient"],
    files: { "p.yaml": policy(`  egres: []\n  ingress: [{}]`) },
    stdout: ["1 object, nothing odd"],
    stderr: [
      `warning: Read CiliumNetworkPolicy "shop/p" although ${UNKNOWN}`,
    ],
    code: 0,
  },
];

commandTests("check", ROWS);
