/**
 * What must become of packets, feature by feature, derived by hand from the manifests: the
 * opinion of the text says so, and emulator and kernel do so.
 */
import { assertEquals } from "@std/assert";
import { type IpAddress, parseIpAddress } from "../../src/cluster/ip_address.ts";
import { readObjects } from "../../src/cluster/read_objects.ts";
import { KernelDatapath } from "../../src/datapath/kernel.ts";
import { EVENT_DROP, PACKET_SHOT } from "../../src/datapath/layout.ts";
import { LpmDatapath } from "../../src/datapath/lpm_datapath.ts";
import { IP_PROTOCOL } from "../../src/verify/flow.ts";
import { PacketMaker } from "../../src/verify/packet_maker.ts";
import { makeScenario, type Scenario } from "../../src/verify/scenario.ts";
import type { ScenarioOptions } from "../../src/verify/scenario_options.ts";
import type { TestPacket } from "../../src/verify/test_packet.ts";
import { openComparison } from "../../src/verify/verify.ts";
import { kernelTest } from "../ebpf-ts-loader/kernel.ts";
import { mustOpenEmulator } from "./_scenario.ts";

/** `passes`, `audited` for a drop that audit mode lets pass, a proxy, or a drop reason. */
type Outcome =
  | "passes"
  | "audited 133"
  | "audited 189"
  | `${"ingress" | "egress"} ${string}`
  | number;

interface Row {
  readonly description: string;
  /** Policies, as the value of `items`. */
  readonly policies: string;
  readonly options?: ScenarioOptions;
  readonly proxies?: false;
  /** Who sends what to whom, and what becomes of it. */
  readonly packets: readonly (readonly [
    from: string,
    to: string,
    port: `${number}/${keyof typeof IP_PROTOCOL}`,
    outcome: Outcome,
  ])[];
}

const [A, A6, B] = ["10.1.0.1", "fd00:1::1", "10.1.0.2"] as const;
const [NODE, FAR] = ["10.0.0.1", "10.0.0.2"] as const;

/** Pods a and b on node n1, node n2 far away, and two services that lead outside. */
const CLUSTER = `
- { apiVersion: v1, kind: Namespace, metadata: { name: default } }
- { apiVersion: v1, kind: Node, metadata: { name: n1, labels: { role: own } }, status: { addresses: [{ type: InternalIP, address: ${NODE} }] } }
- { apiVersion: v1, kind: Node, metadata: { name: n2, labels: { role: far } }, status: { addresses: [{ type: InternalIP, address: ${FAR} }] } }
- apiVersion: v1
  kind: Pod
  metadata: { name: a, labels: { app: a } }
  spec: { nodeName: n1, containers: [{ name: a, ports: [{ name: web, containerPort: 8080 }] }] }
  status: { podIPs: [{ ip: ${A} }, { ip: "${A6}" }] }
- apiVersion: v1
  kind: Pod
  metadata: { name: b, labels: { app: b } }
  spec: { nodeName: n1, containers: [{ name: b, ports: [{ name: web, containerPort: 9090 }] }] }
  status: { podIPs: [{ ip: ${B} }] }
- apiVersion: v1
  kind: Service
  metadata: { name: outside }
  spec: { clusterIP: None, ports: [{ port: 443 }] }
- apiVersion: discovery.k8s.io/v1
  kind: EndpointSlice
  metadata: { name: outside-1, labels: { kubernetes.io/service-name: outside } }
  addressType: IPv4
  endpoints: [{ addresses: [198.51.100.7], conditions: { ready: true } }]
  ports: [{ port: 443, protocol: TCP }]
- { apiVersion: cilium.io/v2, kind: CiliumCIDRGroup, metadata: { name: g }, spec: { externalCIDRs: [203.0.113.0/25] } }
`;

function cnp(spec: string, selector = "{ app: a }"): string {
  return `
- apiVersion: cilium.io/v2
  kind: CiliumNetworkPolicy
  metadata: { name: p }
  spec: { endpointSelector: { matchLabels: ${selector} }, ${spec} }
`;
}

const ALWAYS = { settings: { enforcement: "always" } } as const;

const ROWS: readonly Row[] = [
  {
    description: "a CIDR set, its exceptions, and the addresses beside them",
    policies: cnp("egress: [{ toCIDRSet: [{ cidr: 192.0.2.0/24, except: [192.0.2.64/26] }] }]"),
    packets: [
      [A, "192.0.1.255", "1/TCP", 133],
      [A, "192.0.2.0", "1/TCP", "passes"],
      [A, "192.0.2.63", "1/TCP", "passes"],
      [A, "192.0.2.64", "1/TCP", 133],
      [A, "192.0.2.127", "1/TCP", 133],
      [A, "192.0.2.128", "1/TCP", "passes"],
      [A, "192.0.2.255", "1/TCP", "passes"],
      [A, "192.0.3.0", "1/TCP", 133],
      [A, B, "1/TCP", 133],
    ],
  },
  {
    description: "a block of IPv6, denied within the world",
    policies: cnp('egress: [{ toEntities: [world] }], egressDeny: [{ toCIDR: ["2001:db8::/32"] }]'),
    packets: [
      [A6, "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "1/TCP", "passes"],
      [A6, "2001:db8::", "1/TCP", 181],
      [A6, "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "1/TCP", 181],
      [A6, "2001:db9::", "1/TCP", "passes"],
    ],
  },
  {
    description: "a group of blocks",
    policies: cnp("ingress: [{ fromCIDRSet: [{ cidrGroupRef: g }] }]"),
    packets: [
      ["203.0.113.127", A, "1/UDP", "passes"],
      ["203.0.113.128", A, "1/UDP", 133],
    ],
  },
  {
    description: "a service that leads outside",
    policies: cnp("egress: [{ toServices: [{ k8sService: { serviceName: outside } }] }]"),
    packets: [
      [A, "198.51.100.7", "443/TCP", "passes"],
      [A, "198.51.100.8", "443/TCP", 133],
    ],
  },
  {
    description: "a DNS name that was answered",
    policies: cnp("egress: [{ toFQDNs: [{ matchPattern: '*.example.com' }] }]"),
    options: { names: new Map([["a.example.com", [parseIpAddress("198.51.100.20")]]]) },
    packets: [
      [A, "198.51.100.20", "443/TCP", "passes"],
      [A, "198.51.100.21", "443/TCP", 133],
    ],
  },
  {
    description: "a DNS name that was not answered",
    policies: cnp("egress: [{ toFQDNs: [{ matchPattern: '*.example.com' }] }]"),
    packets: [[A, "198.51.100.20", "443/TCP", 133]],
  },
  {
    description: "a range of ports of any protocol",
    policies: cnp('ingress: [{ toPorts: [{ ports: [{ port: "8080", endPort: 8095 }] }] }]'),
    packets: [
      [B, A, "8079/TCP", 133],
      [B, A, "8080/TCP", "passes"],
      [B, A, "8095/UDP", "passes"],
      [B, A, "8095/SCTP", "passes"],
      [B, A, "8096/SCTP", 133],
      [B, A, "8/ICMP", 133],
    ],
  },
  {
    description: "a port by name, which each peer has another one for",
    policies: cnp("egress: [{ toPorts: [{ ports: [{ port: web, protocol: TCP }] }] }]") +
      cnp("ingress: [{ toPorts: [{ ports: [{ port: web, protocol: TCP }] }] }]", "{ app: b }")
        .replace("name: p", "name: q"),
    packets: [
      [A, B, "9090/TCP", "passes"],
      [A, B, "8080/TCP", 133],
      [A, "192.0.2.1", "9090/TCP", 133],
    ],
  },
  {
    description: "ICMP types",
    policies: cnp(
      "ingress: [{ icmps: [{ fields: [{ type: 13 }, { type: 129, family: IPv6 }] }] }]",
    ),
    packets: [
      [B, A, "13/ICMP", "passes"],
      [B, A, "14/ICMP", 133],
      ["2001:db8::1", A6, "129/ICMPV6", "passes"],
      ["2001:db8::1", A6, "128/ICMPV6", 133],
    ],
  },
  {
    description: "a redirect at egress",
    policies: cnp(
      'egress: [{ toPorts: [{ ports: [{ port: "80", protocol: TCP }], rules: { http: [{ method: GET }] } }] }]',
    ),
    packets: [
      [A, "192.0.2.1", "80/TCP", "egress http, not any"],
      [A, B, "80/TCP", "egress http, not any"],
      [A, B, "81/TCP", 133],
    ],
  },
  {
    description: "a redirect at ingress, which only a packet from a local pod can take",
    policies: cnp(
      'ingress: [{ toPorts: [{ ports: [{ port: "80", protocol: TCP }], rules: { http: [{}] } }] }]',
    ),
    packets: [
      [B, A, "80/TCP", "ingress http, any"],
      ["192.0.2.1", A, "80/TCP", 179],
    ],
  },
  {
    description: "a redirect for DNS, over what proxies read and over what they do not",
    policies: cnp(
      'egress: [{ toPorts: [{ ports: [{ port: "53" }], rules: { dns: [{ matchName: example.com }] } }] }]',
    ),
    packets: [
      [A, B, "53/UDP", "egress dns, not any"],
      [A, B, "53/TCP", "egress dns, not any"],
      [A, B, "53/SCTP", 180],
    ],
  },
  {
    description: "redirects where no proxy listens",
    proxies: false,
    policies: cnp(
      'egress: [{ toPorts: [{ ports: [{ port: "53" }], rules: { dns: [{ matchName: example.com }] } }] }]',
    ),
    packets: [
      [A, B, "53/UDP", 178],
      [A, B, "53/SCTP", 180],
    ],
  },
  {
    description: "a rule without requests beside one with them: the proxy only watches",
    policies: cnp(
      'egress: [{ toPorts: [{ ports: [{ port: "80", protocol: TCP }], rules: { http: [{ method: GET }] } }] }, { toEndpoints: [{}] }]',
    ),
    packets: [
      [A, "192.0.2.1", "80/TCP", "egress http, not any"],
      [A, B, "80/TCP", "egress http, any"],
      [A, B, "81/TCP", "passes"],
    ],
  },
  {
    description: "authentication, which nobody can prove as yet",
    policies: cnp("ingress: [{ fromEndpoints: [{}], authentication: { mode: required } }]"),
    packets: [
      [B, A, "80/TCP", 189],
      [NODE, A, "80/TCP", "passes"],
    ],
  },
  {
    description: "audit mode: what policy drops passes",
    policies: cnp("ingress: [{ fromEndpoints: [{}], authentication: { mode: required } }]"),
    options: { audit: true },
    packets: [
      [B, A, "80/TCP", "audited 189"],
      ["192.0.2.1", A, "80/TCP", "audited 133"],
    ],
  },
  {
    description: "audit mode lets nothing past a proxy that does not listen",
    proxies: false,
    policies: cnp(
      'egress: [{ toPorts: [{ ports: [{ port: "80", protocol: TCP }], rules: { http: [{}] } }] }]',
    ),
    options: { audit: true },
    packets: [
      [A, B, "80/TCP", 178],
      [A, B, "81/TCP", "audited 133"],
    ],
  },
  {
    description: "the host, which reaches its pods, and another node, which does not",
    policies: cnp("ingress: [{ fromEndpoints: [{}] }]"),
    packets: [
      [NODE, A, "80/TCP", "passes"],
      [FAR, A, "80/TCP", 133],
    ],
  },
  {
    description: "the host without allow-localhost",
    policies: cnp("ingress: [{ fromEndpoints: [{}] }]"),
    options: { settings: { allowLocalhost: false } },
    packets: [[NODE, A, "80/TCP", 133]],
  },
  {
    description: "nodes by their labels, never the own one",
    policies: cnp(
      "egress: [{ toNodes: [{ matchLabels: { role: far } }, { matchLabels: { role: own } }] }]",
    ),
    packets: [
      [A, FAR, "80/TCP", "passes"],
      [A, NODE, "80/TCP", 133],
    ],
  },
  {
    description: "blocks for nodes, where the operator says so",
    policies: cnp("egress: [{ toCIDR: [10.0.0.0/8] }]"),
    options: { settings: { cidrMatchesNodes: true } },
    packets: [
      [A, FAR, "80/TCP", "passes"],
      [A, B, "80/TCP", 133],
    ],
  },
  {
    description: "blocks, which are not for nodes otherwise",
    policies: cnp("egress: [{ toCIDR: [10.0.0.0/8] }]"),
    packets: [
      [A, FAR, "80/TCP", 133],
      [A, "10.2.0.1", "80/TCP", "passes"],
    ],
  },
  {
    description: "a host policy",
    policies: `
- apiVersion: cilium.io/v2
  kind: CiliumClusterwideNetworkPolicy
  metadata: { name: p }
  spec:
    nodeSelector: { matchLabels: { role: own } }
    ingress: [{ fromEndpoints: [{ matchLabels: { app: b } }] }]
`,
    packets: [
      [B, NODE, "22/TCP", "passes"],
      [A, NODE, "22/TCP", 133],
      [NODE, B, "22/TCP", "passes"],
    ],
  },
  {
    description: "tiers: Admin denies what Normal allows, and passes the rest on",
    policies: cnp("ingress: [{ fromEndpoints: [{ matchLabels: { app: b } }] }]") + `
- apiVersion: policy.networking.k8s.io/v1alpha2
  kind: ClusterNetworkPolicy
  metadata: { name: admin }
  spec:
    tier: Admin
    priority: 1
    subject: { namespaces: {} }
    ingress:
      - { action: Pass, from: [{ namespaces: {} }], protocols: [{ tcp: { destinationPort: { number: 80 } } }] }
      - { action: Deny, from: [{ namespaces: {} }] }
`,
    packets: [
      [B, A, "80/TCP", "passes"],
      [B, A, "81/TCP", 181],
      [A, B, "81/TCP", 181],
      [A, B, "80/TCP", "passes"],
    ],
  },
  {
    description: "a NetworkPolicy with a block, and ports of TCP by default",
    policies: `
- apiVersion: networking.k8s.io/v1
  kind: NetworkPolicy
  metadata: { name: p }
  spec:
    podSelector: { matchLabels: { app: a } }
    ingress: [{ from: [{ ipBlock: { cidr: 192.0.2.0/24, except: [192.0.2.0/32] } }], ports: [{ port: 80 }] }]
`,
    packets: [
      ["192.0.2.0", A, "80/TCP", 133],
      ["192.0.2.1", A, "80/TCP", "passes"],
      ["192.0.2.1", A, "80/UDP", 133],
    ],
  },
  {
    description: "enforcement mode always",
    policies: cnp("ingress: [{ fromEndpoints: [{}] }]"),
    options: ALWAYS,
    packets: [
      [B, A, "80/TCP", 133],
      [A, "192.0.2.1", "80/TCP", 133],
    ],
  },
  {
    description: "enforcement mode never",
    policies: cnp("ingressDeny: [{ fromEntities: [all] }]"),
    options: { settings: { enforcement: "never" } },
    packets: [[B, A, "80/TCP", "passes"]],
  },
];

async function mustCompile({ policies, options, proxies }: Row): Promise<Scenario> {
  const items = `${CLUSTER}${policies}`.replaceAll(/^(?=.)/gm, "  ");
  const manifests = [{ name: "test", text: `apiVersion: v1\nkind: List\nitems:\n${items}` }];
  const { objects, errors } = readObjects(manifests);
  assertEquals(errors.map(({ message }) => message), []);
  const scenario = await makeScenario(manifests, objects, { node: "n1", ...options });
  return proxies === false ? scenario.withoutProxies() : scenario;
}

/** The packets of a row, each of a flow of its own. */
function packetsOf({ packets }: Row, scenario: Scenario): TestPacket[] {
  const maker = new PacketMaker(scenario);
  for (const [from, to, text] of packets) {
    const [port, protocol] = text.split("/") as [string, keyof typeof IP_PROTOCOL];
    const [source, destination] = [parseIpAddress(from), parseIpAddress(to)];
    const sender = endpointAt(scenario, source);
    const endpoint = sender ?? endpointAt(scenario, destination) ?? 0;
    const dport = Number(port);
    maker.startFlow();
    maker.add({
      endpoint,
      hook: sender === undefined ? "to_container" : "from_container",
      source,
      destination,
      protocol: IP_PROTOCOL[protocol],
      sport: maker.nextSourcePort(dport),
      dport,
      code: 0,
      tcpFlags: protocol === "TCP" ? 2 : 0,
      mark: 0,
    }, "first");
  }
  return maker.take();
}

function endpointAt(scenario: Scenario, address: IpAddress): number | undefined {
  return scenario.endpointAt(address)?.id;
}

/** The opinion of the text as an {@linkcode Outcome}. */
function outcomeOf({ expected }: TestPacket): Outcome {
  const last = expected?.events.at(-1);
  const proxy = expected?.proxy;
  if (proxy !== undefined) {
    return `${proxy.direction} ${proxy.kind}, ${proxy.passesOdd ? "any" : "not any"}`;
  }
  if (expected?.verdict === PACKET_SHOT) return last?.type === EVENT_DROP ? last.reason : 0;
  const audited = expected?.events.find(({ reason }) => reason !== 0)?.reason;
  return audited === undefined ? "passes" : `audited ${audited === 189 ? 189 : 133}`;
}

for (const row of ROWS) {
  Deno.test(`text and emulator: ${row.description}`, async () => {
    const scenario = await mustCompile(row);
    const { memory, emulator } = await mustOpenEmulator();
    emulator.load(scenario.node);
    const packets = packetsOf(row, scenario);
    assertEquals(packets.map(outcomeOf), row.packets.map(([, , , outcome]) => outcome));
    const { mismatches } = openComparison(scenario, memory, [emulator]).run(packets);
    assertEquals(mismatches.map(({ differences }) => differences), []);
  });
}

kernelTest("emulator, kernel and LPM twin do with every feature what the text says", async () => {
  const { memory, emulator } = await mustOpenEmulator();
  using kernel = new KernelDatapath(memory);
  using lpm = new LpmDatapath(memory);
  const datapaths = [emulator, lpm, kernel];
  for (const row of ROWS) {
    const scenario = await mustCompile(row);
    for (const datapath of datapaths) await datapath.load(scenario.node);
    const { mismatches } = openComparison(scenario, memory, datapaths).run(
      packetsOf(row, scenario),
    );
    assertEquals(mismatches.map(({ differences }) => differences), [], row.description);
  }
});
