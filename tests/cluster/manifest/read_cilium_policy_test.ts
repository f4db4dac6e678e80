import { assertEquals } from "@std/assert";
import { parseIpPrefix } from "../../../src/cluster/ip_prefix.ts";
import type {
  CiliumClusterwideNetworkPolicy,
  CiliumNetworkPolicy,
} from "../../../src/cluster/object.ts";
import type { LabelSelector, TrafficRule } from "../../../src/cluster/rule.ts";
import { mustRead, policy, readAll } from "../_manifest.ts";

const ANY_POD: LabelSelector = { matchLabels: [], matchExpressions: [] };

function label(source: LabelSelector["matchLabels"][number]["source"], key: string, value: string) {
  return { matchLabels: [{ source, key, value }], matchExpressions: [] };
}

function mustReadPolicy(text: string): CiliumNetworkPolicy {
  const [object] = mustRead(text) as [CiliumNetworkPolicy];
  return object;
}

interface Row {
  readonly description: string;
  readonly list?: "ingress" | "ingressDeny" | "egress" | "egressDeny";
  readonly rule: string;
  readonly read: TrafficRule;
}

const ROWS: readonly Row[] = [
  {
    description: "blocks and addresses",
    rule: '{ fromCIDR: [10.1.2.3/8, 192.0.2.1, "2001:db8::1"] }',
    read: {
      cidrs: ["10.0.0.0/8", "192.0.2.1/32", "2001:db8::1/128"].map(parseIpPrefix),
    },
  },
  {
    description: "sets of blocks, with exceptions and groups",
    list: "egress",
    rule: `{ toCIDRSet: [
      { cidr: 10.0.0.0/8, except: [10.96.0.0/12, 10.1.0.0/16] },
      { cidrGroupRef: vpn-example-1 },
      { cidrGroupSelector: { matchLabels: { role: vpn } }, except: [10.48.0.0/24] } ] }`,
    read: {
      cidrSets: [
        {
          cidr: parseIpPrefix("10.0.0.0/8"),
          except: [parseIpPrefix("10.96.0.0/12"), parseIpPrefix("10.1.0.0/16")],
        },
        { cidrGroupRef: "vpn-example-1", except: [] },
        {
          cidrGroupSelector: label("cidrgroup", "role", "vpn"),
          except: [parseIpPrefix("10.48.0.0/24")],
        },
      ],
    },
  },
  {
    description: "entities",
    list: "egressDeny",
    rule: "{ toEntities: [world, kube-apiserver] }",
    read: { entities: ["world", "kube-apiserver"] },
  },
  {
    description: "nodes",
    rule: "{ fromNodes: [{ matchLabels: { node-role.kubernetes.io/control-plane: '' } }] }",
    read: { nodes: [label("any", "node-role.kubernetes.io/control-plane", "")] },
  },
  {
    description: "services by name and by selector",
    list: "egress",
    rule: `{ toServices: [
      { k8sService: { serviceName: web, namespace: blue } },
      { k8sService: { serviceName: db, namespace: "" } },
      { k8sServiceSelector: { selector: { matchLabels: { app: web } } } } ] }`,
    read: {
      services: [
        { serviceName: "web", namespace: "blue" },
        { serviceName: "db" },
        { selector: label("k8s", "app", "web") },
      ],
    },
  },
  {
    description: "DNS names and patterns, as written",
    list: "egress",
    rule: '{ toFQDNs: [{ matchName: Cilium.io }, { matchPattern: "*.isovalent.com." }] }',
    read: { fqdns: [{ matchName: "Cilium.io" }, { matchPattern: "*.isovalent.com." }] },
  },
  {
    description: "ICMP types by number and by name",
    rule: `{ icmps: [{ fields: [
      { type: 8 }, { type: "0" }, { family: IPv6, type: EchoRequest }, { type: EchoRequest } ] }] }`,
    read: {
      icmps: [{
        fields: [
          { family: 4, type: 8 },
          { family: 4, type: 0 },
          { family: 6, type: 128 },
          { family: 4, type: 8 },
        ],
      }],
    },
  },
  {
    description: "authentication",
    rule: "{ fromEndpoints: [{}], authentication: { mode: required } }",
    read: { endpoints: [ANY_POD], authentication: "required" },
  },
  {
    description: "numbered and named ports, ranges, and every port",
    rule: `{ toPorts: [{ ports: [
      { port: "80", protocol: TCP }, { port: 8080, endPort: 8095 }, { port: HTTP-Metrics, protocol: udp },
      { port: "0", protocol: SCTP }, { protocol: UDP } ] }] }`,
    read: {
      toPorts: [{
        ports: [
          { port: 80, protocol: "TCP" },
          { port: 8080, endPort: 8095, protocol: "ANY" },
          { port: 0, protocol: "SCTP" },
          { port: 0, protocol: "UDP" },
        ],
        namedPorts: [{ name: "http-metrics", protocol: "UDP" }],
      }],
    },
  },
  {
    description: "HTTP rules",
    rule: `{ toPorts: [{ ports: [{ port: "80", protocol: TCP }], rules: { http: [
      { method: POST, path: /v1/request-landing, host: "" },
      { headers: ["X-Has-Force: true story", X-Ship],
        headerMatches: [{ name: Authorization, secret: { name: s }, mismatch: REPLACE }] },
      null ] } }] }`,
    read: {
      toPorts: [{
        ports: [{ port: 80, protocol: "TCP" }],
        rules: {
          kind: "http",
          rules: [
            { method: "POST", path: "/v1/request-landing" },
            {
              headers: [{ name: "X-Has-Force", value: "true story" }, { name: "X-Ship" }],
              headerMatches: [
                { name: "Authorization", secret: { name: "s" }, mismatch: "REPLACE" },
              ],
            },
            {},
          ],
        },
      }],
    },
  },
  {
    description: "DNS rules, where a name and a pattern are two rules",
    list: "egress",
    rule: `{ toPorts: [{ ports: [{ port: "53", protocol: ANY }], rules: { dns: [
      { matchName: cilium.io, matchPattern: "*.cilium.io" }, { matchPattern: "*" } ] } }] }`,
    read: {
      toPorts: [{
        ports: [{ port: 53, protocol: "ANY" }],
        rules: {
          kind: "dns",
          rules: [
            { matchName: "cilium.io" },
            { matchPattern: "*.cilium.io" },
            { matchPattern: "*" },
          ],
        },
      }],
    },
  },
  {
    description: "server names, TLS contexts and listeners",
    list: "egress",
    rule: `{ toPorts: [
      { ports: [{ port: "443", protocol: TCP }], serverNames: ["*.cilium.io"],
        terminatingTLS: { secret: { namespace: secrets, name: cert }, certificate: tls.crt },
        originatingTLS: { secret: { name: ca }, trustedCA: ca.crt }, rules: { http: [{}] } },
      { ports: [{ port: "80", protocol: TCP }],
        listener: { name: l, priority: 1, envoyConfig: { kind: CiliumEnvoyConfig, name: e } } } ] }`,
    read: {
      toPorts: [
        {
          ports: [{ port: 443, protocol: "TCP" }],
          rules: { kind: "http", rules: [{}] },
          serverNames: ["*.cilium.io"],
          terminatingTls: {
            secret: { namespace: "secrets", name: "cert" },
            certificate: "tls.crt",
          },
          originatingTls: { secret: { name: "ca" }, trustedCa: "ca.crt" },
        },
        {
          ports: [{ port: 80, protocol: "TCP" }],
          listener: {
            name: "l",
            priority: 1,
            envoyConfig: { kind: "CiliumEnvoyConfig", name: "e" },
          },
        },
      ],
    },
  },
  {
    description: "empty lists of peers, which do not count as a kind",
    rule: "{ fromEndpoints: [], fromCIDR: [10.0.0.0/8], fromEntities: [] }",
    read: { endpoints: [], cidrs: [parseIpPrefix("10.0.0.0/8")], entities: [] },
  },
];

for (const { description, list = "ingress", rule, read } of ROWS) {
  Deno.test(`readCiliumNetworkPolicy() reads ${description}`, () => {
    const { specs } = mustReadPolicy(policy(`  endpointSelector: {}\n  ${list}: [${rule}]`));
    assertEquals(specs, [{ endpointSelector: ANY_POD, [list]: [read], enableDefaultDeny: {} }]);
  });
}

Deno.test("readCiliumNetworkPolicy() reads every field of a spec", () => {
  const text = `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: all
  namespace: blue
  creationTimestamp: "2026-01-02T03:04:05Z"
spec:
  description: Everything
  endpointSelector: { matchLabels: { app: web } }
  enableDefaultDeny: { ingress: false, egress: true }
  labels: [{ key: name, value: all, source: k8s }]
  log: { value: "ticket 42" }
  ingress: [{}]
  ingressDeny: [{ fromEntities: [world] }]
  egress: []
status: { conditions: [] }
`;
  const { createdAt, namespace, specs, location } = mustReadPolicy(text);
  assertEquals([namespace, createdAt], ["blue", Date.UTC(2026, 0, 2, 3, 4, 5)]);
  assertEquals(specs, [{
    description: "Everything",
    endpointSelector: label("any", "app", "web"),
    ingress: [{}],
    ingressDeny: [{ entities: ["world"] }],
    egress: [],
    enableDefaultDeny: { ingress: false, egress: true },
    log: "ticket 42",
  }]);
  assertEquals(location, { file: "p.yaml", line: 1, column: 1 });
});

Deno.test("readClusterwidePolicy() reads specs for endpoints and for nodes", () => {
  const text = `apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: { name: both }
specs:
  - endpointSelector: { matchLabels: { "reserved:init": "" } }
    egress: [{ toEntities: [health] }]
  - nodeSelector: { matchLabels: { type: worker } }
    ingressDeny: [{ toPorts: [{ ports: [{ port: "22", protocol: TCP }] }] }]
`;
  const [object] = mustRead(text) as [CiliumClusterwideNetworkPolicy];
  assertEquals(object.specs, [
    {
      endpointSelector: label("reserved", "init", ""),
      egress: [{ entities: ["health"] }],
      enableDefaultDeny: {},
    },
    {
      nodeSelector: label("any", "type", "worker"),
      ingressDeny: [{ toPorts: [{ ports: [{ port: 22, protocol: "TCP" }] }] }],
      enableDefaultDeny: {},
    },
  ]);
});

Deno.test("readCiliumNetworkPolicy() warns of what has no effect", () => {
  const http = policy(`  endpointSelector: {}
  ingress: [{ toPorts: [{ ports: [{ port: "80", protocol: TCP }], rules: { http: [] } }] }]`);
  const range = policy(`  endpointSelector: {}
  ingress: [{ toPorts: [{ ports: [{ port: web, endPort: 90 }] }] }]`);
  const warnings = [http, range].flatMap((text) => readAll(text).warnings);
  assertEquals(warnings.map(({ message }) => message.split("\n")), [
    [
      'Read CiliumNetworkPolicy "default/rule1" although spec.ingress[0].toPorts[0].rules.http ' +
      "is an empty list, which lets everything through, expected at least one rule",
      "  at p.yaml:7:82",
    ],
    [
      'Read CiliumNetworkPolicy "default/rule1" although spec.ingress[0].toPorts[0].ports[0]' +
      ".endPort is ignored with a named port, expected no endPort",
      "  at p.yaml:7:57",
    ],
  ]);
});
