/** Objects as the API server tells them, with all that policy does not look at. */
import { assertEquals } from "@std/assert";
import { parseIpAddress } from "../../../src/cluster/ip_address.ts";
import { parseIpPrefix } from "../../../src/cluster/ip_prefix.ts";
import type { CiliumCidrGroup, Node, Pod } from "../../../src/cluster/object.ts";
import type { EndpointSlice, Service } from "../../../src/cluster/service.ts";
import { mustRead, readAll } from "../_manifest.ts";

const location = { file: "p.yaml", line: 1, column: 1 };

Deno.test("readPod() reads what policy depends on", () => {
  const [object] = mustRead(`apiVersion: v1
kind: Pod
metadata:
  annotations: { kubernetes.io/config.source: api }
  creationTimestamp: "2026-01-01T00:00:00Z"
  generateName: web-5d8-
  labels: { app: web, pod-template-hash: 5d8 }
  managedFields: [{ manager: kubelet, operation: Update, fieldsV1: { "f:metadata": {} } }]
  name: web-5d8-x2x9z
  namespace: blue
  ownerReferences: [{ apiVersion: apps/v1, kind: ReplicaSet, name: web-5d8, uid: a }]
  resourceVersion: "1234"
  uid: 0a0
spec:
  containers:
    - name: web
      image: nginx
      ports: [{ containerPort: 8080, name: http, protocol: TCP }, { containerPort: 9 }]
  initContainers:
    - { name: once, ports: [{ containerPort: 1 }] }
    - { name: sidecar, restartPolicy: Always, ports: [{ containerPort: 53, name: dns, protocol: UDP }] }
  nodeName: worker-1
  serviceAccountName: robot
  tolerations: [{ effect: NoExecute, key: a, operator: Exists, tolerationSeconds: 300 }]
status:
  hostIP: 192.168.1.1
  phase: Running
  podIP: 10.1.2.3
  podIPs: [{ ip: 10.1.2.3 }, { ip: "fd00::1" }]
`) as [Pod];
  assertEquals(object, {
    kind: "Pod",
    namespace: "blue",
    name: "web-5d8-x2x9z",
    labels: new Map([["app", "web"], ["pod-template-hash", "5d8"]]),
    serviceAccount: "robot",
    hostNetwork: false,
    containerPorts: [
      { name: "dns", port: 53, protocol: "UDP" },
      { name: "http", port: 8080, protocol: "TCP" },
      { port: 9, protocol: "TCP" },
    ],
    terminated: false,
    addresses: [parseIpAddress("10.1.2.3"), parseIpAddress("fd00::1")],
    nodeName: "worker-1",
    location,
  });
});

Deno.test("readNode() reads addresses and blocks, names left out", () => {
  const [object] = mustRead(`apiVersion: v1
kind: Node
metadata:
  name: worker-1
  labels: { kubernetes.io/hostname: worker-1 }
  annotations: { network.cilium.io/ipv4-cilium-host: 10.1.0.7 }
spec: { podCIDR: 10.1.0.0/24, podCIDRs: [10.1.0.0/24, "fd00:1::/64"] }
status:
  addresses:
    - { address: 192.168.1.1, type: InternalIP }
    - { address: 203.0.113.7, type: ExternalIP }
    - { address: worker-1, type: Hostname }
`) as [Node];
  assertEquals(object, {
    kind: "Node",
    name: "worker-1",
    labels: new Map([["kubernetes.io/hostname", "worker-1"]]),
    addresses: [
      { type: "InternalIP", address: parseIpAddress("192.168.1.1") },
      { type: "ExternalIP", address: parseIpAddress("203.0.113.7") },
      { type: "CiliumInternalIP", address: parseIpAddress("10.1.0.7") },
    ],
    podCidrs: [parseIpPrefix("10.1.0.0/24"), parseIpPrefix("fd00:1::/64")],
    location,
  });
});

Deno.test("readService() reads services with and without addresses", () => {
  const [web, headless] = mustRead(`apiVersion: v1
kind: Service
metadata: { name: web, namespace: blue, labels: { tier: front } }
spec:
  clusterIP: 10.96.0.10
  clusterIPs: [10.96.0.10, "fd01::a"]
  selector: { app: web }
  ports: [{ name: http, port: 80, protocol: TCP, targetPort: http }, { port: 53, protocol: UDP }]
  type: LoadBalancer
---
apiVersion: v1
kind: Service
metadata: { name: db }
spec: { clusterIP: None, ports: [{ port: 5432, targetPort: 0 }] }
`) as [Service, Service];
  assertEquals(web, {
    kind: "Service",
    namespace: "blue",
    name: "web",
    labels: new Map([["tier", "front"]]),
    type: "LoadBalancer",
    selector: new Map([["app", "web"]]),
    clusterIps: [parseIpAddress("10.96.0.10"), parseIpAddress("fd01::a")],
    ports: [
      { name: "http", port: 80, protocol: "TCP", targetPort: "http" },
      { port: 53, protocol: "UDP", targetPort: 53 },
    ],
    location,
  });
  assertEquals([headless.clusterIps, headless.ports, headless.selector], [
    [],
    [{ port: 5432, protocol: "TCP", targetPort: 5432 }],
    undefined,
  ]);
});

Deno.test("readEndpointSlice() and readEndpoints() read the same of both forms", () => {
  const [slice, endpoints] = mustRead(`apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: web-x, namespace: blue, labels: { kubernetes.io/service-name: web } }
addressType: IPv4
endpoints:
  - addresses: [10.1.2.3]
    conditions: { ready: true, serving: true, terminating: false }
    nodeName: worker-1
    targetRef: { kind: Pod, name: web-1, namespace: blue }
  - { addresses: [10.1.2.4], conditions: { ready: false } }
ports: [{ name: http, port: 8080, protocol: TCP }]
---
apiVersion: v1
kind: Endpoints
metadata: { name: web, namespace: blue }
subsets:
  - addresses:
      - { ip: 10.1.2.3, nodeName: worker-1, targetRef: { kind: Pod, name: web-1 } }
    notReadyAddresses: [{ ip: 10.1.2.4 }]
    ports: [{ name: http, port: 8080 }]
`) as [EndpointSlice, EndpointSlice];
  const shared = {
    kind: "EndpointSlice",
    namespace: "blue",
    serviceName: "web",
    endpoints: [
      {
        addresses: [parseIpAddress("10.1.2.3")],
        ready: true,
        nodeName: "worker-1",
        pod: { namespace: "blue", name: "web-1" },
      },
      { addresses: [parseIpAddress("10.1.2.4")], ready: false },
    ],
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
  };
  assertEquals(slice as object, { ...shared, writtenAs: "EndpointSlice", name: "web-x", location });
  assertEquals(endpoints as object, {
    ...shared,
    writtenAs: "Endpoints",
    name: "web",
    location: { ...location, line: 13 },
  });
});

Deno.test("readCidrGroup() reads blocks of both versions", () => {
  const text = (version: string) =>
    `apiVersion: cilium.io/${version}
kind: CiliumCIDRGroup
metadata: { name: vpn-example-1, labels: { role: vpn } }
spec: { externalCIDRs: [10.48.0.0/24, 10.16.0.0/24] }`;
  for (const version of ["v2", "v2alpha1"]) {
    assertEquals(mustRead(text(version)) as CiliumCidrGroup[], [{
      kind: "CiliumCIDRGroup",
      name: "vpn-example-1",
      labels: new Map([["role", "vpn"]]),
      cidrs: [parseIpPrefix("10.48.0.0/24"), parseIpPrefix("10.16.0.0/24")],
      location,
    }]);
  }
});

Deno.test("readObjects() skips kinds of other groups, and lists them", () => {
  const { objects, skipped, errors } = readAll(`
apiVersion: serving.knative.dev/v1
kind: Service
metadata: { name: web, namespace: blue }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: data }
`);
  assertEquals([objects, errors], [[], []]);
  assertEquals(skipped.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`), [
    "Service blue/web",
    "ConfigMap /data",
  ]);
});
