import { parseIpAddress } from "../../../src/cluster/ip_address.ts";

/**
 * The cluster that the tables are about, seen from node `n1`: three nodes, pods in two
 * namespaces, services, groups of address blocks.
 */
export const CLUSTER = `
apiVersion: v1
kind: List
items:
  - { apiVersion: v1, kind: Namespace, metadata: { name: blue, labels: { team: a } } }
  - { apiVersion: v1, kind: Namespace, metadata: { name: red, labels: { team: b } } }
  - apiVersion: v1
    kind: Node
    metadata: { name: n1, labels: { role: worker, zone: z1 } }
    status: { addresses: [{ type: InternalIP, address: 10.0.0.1 }] }
  - apiVersion: v1
    kind: Node
    metadata: { name: n2, labels: { role: control, zone: z1 } }
    status:
      addresses: [{ type: InternalIP, address: 10.0.0.2 }, { type: ExternalIP, address: 50.0.0.2 }]
  - apiVersion: v1
    kind: Node
    metadata: { name: n3, labels: { role: worker, zone: z2 } }
    status: { addresses: [{ type: InternalIP, address: 10.0.0.3 }] }
  - apiVersion: v1
    kind: Pod
    metadata: { name: web, namespace: blue, labels: { app: web, pod-template-hash: abc } }
    spec:
      nodeName: n1
      containers: [{ name: c, ports: [{ name: http, containerPort: 8080, protocol: TCP }] }]
    status: { podIP: 10.1.0.1 }
  - apiVersion: v1
    kind: Pod
    metadata: { name: db, namespace: blue, labels: { app: db } }
    spec:
      nodeName: n1
      serviceAccountName: database
      containers:
        - name: c
          ports:
            - { name: sql, containerPort: 5432, protocol: TCP }
            - { name: http, containerPort: 80, protocol: TCP }
    status: { podIP: 10.1.0.2 }
  - apiVersion: v1
    kind: Pod
    metadata: { name: web, namespace: red, labels: { app: web } }
    spec:
      nodeName: n1
      containers: [{ name: c, ports: [{ name: dns, containerPort: 53, protocol: UDP }] }]
    status: { podIP: 10.1.0.3 }
  - apiVersion: v1
    kind: Pod
    metadata: { name: agent, namespace: blue, labels: { app: agent } }
    spec: { nodeName: n2, hostNetwork: true }
    status: { podIP: 10.0.0.2 }
  - apiVersion: v1
    kind: Service
    metadata: { name: front, namespace: red, labels: { env: prod } }
    spec: { selector: { app: web }, clusterIP: None, ports: [{ port: 80 }] }
  - apiVersion: v1
    kind: Service
    metadata: { name: mail, namespace: blue, labels: { env: prod } }
    spec: { clusterIP: None, ports: [{ port: 25 }] }
  - apiVersion: discovery.k8s.io/v1
    kind: EndpointSlice
    metadata: { name: mail-1, namespace: blue, labels: { kubernetes.io/service-name: mail } }
    addressType: IPv4
    endpoints: [{ addresses: [30.0.0.25], conditions: { ready: true } }]
    ports: [{ port: 25, protocol: TCP }]
  - apiVersion: discovery.k8s.io/v1
    kind: EndpointSlice
    metadata: { name: kubernetes, namespace: default, labels: { kubernetes.io/service-name: kubernetes } }
    addressType: IPv4
    endpoints: [{ addresses: [10.0.0.2] }, { addresses: [30.0.0.6] }]
    ports: [{ port: 6443, protocol: TCP }]
  - apiVersion: cilium.io/v2
    kind: CiliumCIDRGroup
    metadata: { name: offices, labels: { kind: office } }
    spec: { externalCIDRs: [20.1.0.0/16, "2001:db8::/32"] }
  - apiVersion: cilium.io/v2
    kind: CiliumCIDRGroup
    metadata: { name: shops, labels: { kind: shop } }
    spec: { externalCIDRs: [20.2.0.0/16] }
`;

/** DNS answers that have been seen. */
export const NAMES = new Map([
  ["example.com", [parseIpAddress("40.0.0.1")]],
  ["api.example.com", [parseIpAddress("40.0.0.2")]],
  ["v1.api.example.com", [parseIpAddress("40.0.0.3")]],
]);

/** A CiliumNetworkPolicy in namespace blue, of a `spec` in flow style. */
export function cilium(spec: string, name = "p"): string {
  return `{ apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy,
    metadata: { name: ${name}, namespace: blue }, spec: { ${spec} } }\n`;
}

/** A CiliumClusterwideNetworkPolicy of a `spec` in flow style. */
export function clusterwide(spec: string, name = "p"): string {
  return `{ apiVersion: cilium.io/v2, kind: CiliumClusterwideNetworkPolicy,
    metadata: { name: ${name} }, spec: { ${spec} } }\n`;
}

/** A NetworkPolicy in namespace blue of a `spec` in flow style. */
export function kubernetes(spec: string, name = "p"): string {
  return `{ apiVersion: networking.k8s.io/v1, kind: NetworkPolicy,
    metadata: { name: ${name}, namespace: blue }, spec: { ${spec} } }\n`;
}

/** A ClusterNetworkPolicy for all pods of namespace blue, of the rest of a `spec`. */
export function tier(spec: string, name = "p"): string {
  return `{ apiVersion: policy.networking.k8s.io/v1alpha2, kind: ClusterNetworkPolicy,
    metadata: { name: ${name} },
    spec: { subject: { namespaces: { matchLabels: { team: a } } }, ${spec} } }\n`;
}

/** Puts manifests into one file. */
export function all(...manifests: readonly string[]): string {
  return manifests.join("---\n");
}

/** Subject: the database. */
export const DB = "endpointSelector: { matchLabels: { app: db } }";
/** Subject: the web server. */
export const WEB = "endpointSelector: { matchLabels: { app: web } }";
/** `toPorts` of port 80 over TCP. */
export const TCP80 = "toPorts: [{ ports: [{ port: '80', protocol: TCP }] }]";
