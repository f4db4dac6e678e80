import { assertEquals } from "@std/assert";
import type { ClusterNetworkPolicy } from "../../../src/cluster/cluster_network_policy.ts";
import { parseIpPrefix } from "../../../src/cluster/ip_prefix.ts";
import type { NetworkPolicy } from "../../../src/cluster/network_policy.ts";
import { mustRead } from "../_manifest.ts";

const ALL = { matchLabels: [], matchExpressions: [] };
const k8s = (key: string, value: string) => ({
  matchLabels: [{ source: "k8s" as const, key, value }],
  matchExpressions: [],
});

Deno.test("readNetworkPolicy() reads every field", () => {
  const [object] = mustRead(`apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: test-network-policy
  namespace: default
  creationTimestamp: "2026-01-01T00:00:00Z"
spec:
  podSelector: { matchLabels: { role: db } }
  policyTypes: [Ingress, Egress, Ingress]
  ingress:
    - from:
        - ipBlock: { cidr: 172.17.0.0/16, except: [172.17.1.0/24] }
        - namespaceSelector: { matchLabels: { project: myproject } }
        - podSelector: { matchLabels: { role: frontend } }
          namespaceSelector: {}
      ports: [{ protocol: TCP, port: 6379 }, { port: web }, { protocol: UDP }]
    - {}
  egress:
    - to: [{ podSelector: {} }]
      ports: [{ protocol: SCTP, port: 32000, endPort: 32768 }]
`) as [NetworkPolicy];
  assertEquals(object, {
    kind: "NetworkPolicy",
    namespace: "default",
    name: "test-network-policy",
    podSelector: k8s("role", "db"),
    policyTypes: ["ingress", "egress"],
    ingress: [
      {
        peers: [
          {
            ipBlock: {
              cidr: parseIpPrefix("172.17.0.0/16"),
              except: [parseIpPrefix("172.17.1.0/24")],
            },
          },
          { namespaceSelector: k8s("project", "myproject") },
          { podSelector: k8s("role", "frontend"), namespaceSelector: ALL },
        ],
        ports: [{ protocol: "TCP", port: 6379 }, { protocol: "TCP", port: "web" }, {
          protocol: "UDP",
        }],
      },
      {},
    ],
    egress: [{
      peers: [{ podSelector: ALL }],
      ports: [{ protocol: "SCTP", port: 32000, endPort: 32768 }],
    }],
    createdAt: Date.UTC(2026, 0, 1),
    location: { file: "p.yaml", line: 1, column: 1 },
  });
});

Deno.test("readNetworkPolicy() tells absent lists from empty ones", () => {
  const [absent, empty] = mustRead(`apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: a }
spec: { podSelector: {}, policyTypes: [] }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: b }
spec: { podSelector: {}, ingress: [], egress: null }
`) as [NetworkPolicy, NetworkPolicy];
  assertEquals("ingress" in absent || "policyTypes" in absent, false);
  assertEquals([empty.ingress, empty.egress], [[], undefined]);
});

const CLUSTER_POLICY = `apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: { name: cluster }
spec:
  tier: Baseline
  priority: 55
  subject: { pods: { namespaceSelector: {}, podSelector: { matchLabels: { app: web } } } }
  ingress:
    - name: from-blue
      action: Accept
      from: [{ namespaces: { matchLabels: { team: blue } } }]
      protocols:
        - tcp: { destinationPort: { number: 80 } }
        - udp: { destinationPort: { range: { start: 8000, end: 9000 } } }
        - destinationNamedPort: web
  egress:
    - action: Pass
      to: [{ networks: [10.0.0.0/8, "fd00::/8"] }, { nodes: {} }]
    - action: Accept
      to: [{ domainNames: ["*.Kubernetes.io."] }]
`;

Deno.test("readClusterPolicy() reads every field of a ClusterNetworkPolicy", () => {
  const [object] = mustRead(CLUSTER_POLICY) as [ClusterNetworkPolicy];
  assertEquals(object, {
    kind: "ClusterNetworkPolicy",
    writtenAs: "ClusterNetworkPolicy",
    name: "cluster",
    tier: "Baseline",
    priority: 55,
    subject: { pods: { namespaceSelector: ALL, podSelector: k8s("app", "web") } },
    ingress: [{
      name: "from-blue",
      action: "Accept",
      peers: [{ namespaces: k8s("team", "blue") }],
      protocols: [
        { protocol: "TCP", ports: { start: 80, end: 80 } },
        { protocol: "UDP", ports: { start: 8000, end: 9000 } },
        { namedPort: "web" },
      ],
    }],
    egress: [
      {
        action: "Pass",
        peers: [{ networks: [parseIpPrefix("10.0.0.0/8"), parseIpPrefix("fd00::/8")] }, {
          nodes: ALL,
        }],
      },
      { action: "Accept", peers: [{ domainNames: ["*.kubernetes.io"] }] },
    ],
    location: { file: "p.yaml", line: 1, column: 1 },
  });
});

Deno.test("readClusterPolicy() reads v1beta1 like v1alpha2", () => {
  assertEquals(mustRead(CLUSTER_POLICY.replace("v1alpha2", "v1beta1")), mustRead(CLUSTER_POLICY));
});

Deno.test("readClusterPolicy() translates the older API", () => {
  const [admin, baseline] = mustRead(`apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: { name: default }
spec:
  priority: 5
  subject: { namespaces: {} }
  ingress:
    - action: Allow
      from: [{ namespaces: {} }]
      ports:
        - portNumber: { protocol: UDP, port: 53 }
        - portRange: { start: 1, end: 1024 }
        - namedPort: web
---
apiVersion: policy.networking.k8s.io/v1alpha1
kind: BaselineAdminNetworkPolicy
metadata: { name: default }
spec:
  subject: { namespaces: {} }
  egress: [{ action: Deny, to: [{ networks: [0.0.0.0/0] }] }]
`) as [ClusterNetworkPolicy, ClusterNetworkPolicy];
  const common = { kind: "ClusterNetworkPolicy", name: "default", subject: { namespaces: ALL } };
  assertEquals(admin as object, {
    ...common,
    writtenAs: "AdminNetworkPolicy",
    tier: "Admin",
    priority: 5,
    ingress: [{
      action: "Accept",
      peers: [{ namespaces: ALL }],
      protocols: [
        { protocol: "UDP", ports: { start: 53, end: 53 } },
        { protocol: "TCP", ports: { start: 1, end: 1024 } },
        { namedPort: "web" },
      ],
    }],
    egress: [],
    location: { file: "p.yaml", line: 1, column: 1 },
  });
  assertEquals(baseline as object, {
    ...common,
    writtenAs: "BaselineAdminNetworkPolicy",
    tier: "Baseline",
    priority: 0,
    ingress: [],
    egress: [{ action: "Deny", peers: [{ networks: [parseIpPrefix("0.0.0.0/0")] }] }],
    location: { file: "p.yaml", line: 15, column: 1 },
  });
});
