/** What `kubectl get pods,ns,nodes,svc,netpol,cnp,ccnp -A -o yaml` prints is read as it comes. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { parse } from "yaml";
import { formatRef, refOf } from "../../src/cluster/object.ts";
import { readAll } from "./_manifest.ts";

const DUMP = `apiVersion: v1
items:
- apiVersion: v1
  kind: Pod
  metadata:
    annotations:
      kubectl.kubernetes.io/last-applied-configuration: |
        {"apiVersion":"v1","kind":"Pod","metadata":{"name":"deathstar"}}
    creationTimestamp: "2026-05-01T10:00:00Z"
    generateName: deathstar-7848d6c4d5-
    labels:
      class: deathstar
      org: empire
      pod-template-hash: 7848d6c4d5
    name: deathstar-7848d6c4d5-9pvjx
    namespace: default
    ownerReferences:
    - apiVersion: apps/v1
      blockOwnerDeletion: true
      controller: true
      kind: ReplicaSet
      name: deathstar-7848d6c4d5
      uid: 52d9a6de-2f4c-4b0c-9d3e-6a4b9f6a7a11
    resourceVersion: "3312"
    uid: 6f0a4b21-95d1-4fd5-8a0f-0f7a5b1f8a55
  spec:
    containers:
    - image: quay.io/cilium/starwars@sha256:896dc536ec505778c03efedb73c3b7b83c8de11e74264c8c35291ff6d5fe8ada
      imagePullPolicy: IfNotPresent
      name: deathstar
      resources: {}
      volumeMounts:
      - mountPath: /var/run/secrets/kubernetes.io/serviceaccount
        name: kube-api-access-x7k2p
        readOnly: true
    dnsPolicy: ClusterFirst
    enableServiceLinks: true
    nodeName: kind-worker
    serviceAccount: default
    serviceAccountName: default
    tolerations:
    - effect: NoExecute
      key: node.kubernetes.io/not-ready
      operator: Exists
      tolerationSeconds: 300
  status:
    conditions:
    - lastProbeTime: null
      lastTransitionTime: "2026-05-01T10:00:03Z"
      status: "True"
      type: Ready
    hostIP: 172.18.0.3
    phase: Running
    podIP: 10.244.1.17
    podIPs:
    - ip: 10.244.1.17
    - ip: fd00:10:244:1::11
    qosClass: BestEffort
- apiVersion: v1
  kind: Namespace
  metadata:
    labels:
      kubernetes.io/metadata.name: default
    name: default
  spec:
    finalizers:
    - kubernetes
  status:
    phase: Active
- apiVersion: v1
  kind: Node
  metadata:
    annotations:
      node.alpha.kubernetes.io/ttl: "0"
    labels:
      kubernetes.io/os: linux
    name: kind-worker
  spec:
    podCIDR: 10.244.1.0/24
    podCIDRs:
    - 10.244.1.0/24
    - fd00:10:244:1::/64
  status:
    addresses:
    - address: 172.18.0.3
      type: InternalIP
    - address: kind-worker
      type: Hostname
- apiVersion: v1
  kind: Service
  metadata:
    name: deathstar
    namespace: default
  spec:
    clusterIP: 10.96.110.8
    clusterIPs:
    - 10.96.110.8
    internalTrafficPolicy: Cluster
    ports:
    - port: 80
      protocol: TCP
      targetPort: 80
    selector:
      class: deathstar
      org: empire
    sessionAffinity: None
    type: ClusterIP
  status:
    loadBalancer: {}
- apiVersion: networking.k8s.io/v1
  kind: NetworkPolicy
  metadata:
    creationTimestamp: "2026-05-01T10:00:00Z"
    generation: 1
    name: deny-all
    namespace: default
  spec:
    podSelector: {}
    policyTypes:
    - Ingress
- apiVersion: cilium.io/v2
  kind: CiliumNetworkPolicy
  metadata:
    creationTimestamp: "2026-05-01T10:05:00Z"
    generation: 2
    name: rule1
    namespace: default
    resourceVersion: "4021"
  spec:
    description: L7 policy to restrict access to specific HTTP call
    endpointSelector:
      matchLabels:
        class: deathstar
        org: empire
    ingress:
    - fromEndpoints:
      - matchLabels:
          org: empire
      toPorts:
      - ports:
        - port: "80"
          protocol: TCP
        rules:
          http:
          - method: POST
            path: /v1/request-landing
  status:
    conditions:
    - lastTransitionTime: "2026-05-01T10:05:00Z"
      message: Policy validation succeeded
      status: "True"
      type: Valid
- apiVersion: cilium.io/v2
  kind: CiliumClusterwideNetworkPolicy
  metadata:
    name: lock-down-nodes
  spec:
    ingress:
    - fromEntities:
      - remote-node
    nodeSelector:
      matchLabels:
        kubernetes.io/os: linux
kind: List
metadata:
  resourceVersion: ""
`;

const REFS = [
  "Pod/default/deathstar-7848d6c4d5-9pvjx",
  "Namespace/default",
  "Node/kind-worker",
  "Service/default/deathstar",
  "NetworkPolicy/default/deny-all",
  "CiliumNetworkPolicy/default/rule1",
  "CiliumClusterwideNetworkPolicy/lock-down-nodes",
];

Deno.test("readObjects() reads kubectl's YAML of a cluster", () => {
  const { objects, skipped, errors, warnings } = readAll(DUMP);
  assertEquals([skipped, errors, warnings], [[], [], []]);
  assertEquals(objects.map((object) => formatRef(refOf(object))), REFS);
  const starts = DUMP.split("\n").flatMap((line, i) => line.startsWith("- ") ? [i + 1] : []);
  assertEquals(objects.map(({ location }) => location.line), starts);
  assertEquals(objects.map((o) => "createdAt" in o ? o.createdAt : undefined).slice(4, 6), [
    Date.UTC(2026, 4, 1, 10, 0),
    Date.UTC(2026, 4, 1, 10, 5),
  ]);
});

Deno.test("readObjects() reads the same from kubectl's JSON", () => {
  const place = { file: "p.yaml", line: 1, column: 1 };
  const [fromYaml, fromJson] = [DUMP, JSON.stringify(parse(DUMP), null, 4)].map((text) =>
    readAll(text).objects.map((object) => ({ ...object, location: place }))
  );
  assertEquals(fromJson, fromYaml);
});

Deno.test("readObjects() answers a damaged dump with objects or errors of three clean lines", () => {
  const seed = Number(Deno.env.get("TWINPATH_SEED") ?? Date.now() % 0x7fffffff);
  console.log(`seed ${seed}`);
  const json = JSON.stringify(parse(DUMP), null, 1);
  const damage = fc.record({
    text: fc.constantFrom(DUMP, json),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.nat(20),
    put: fc.oneof(fc.string({ maxLength: 6 }), fc.constantFrom("null", "[]", "{}", '"', "99999")),
  });
  let refused = 0;
  fc.assert(
    fc.property(damage, ({ text, at, cut, put }) => {
      const start = Math.floor(at * text.length);
      const { errors } = readAll(text.slice(0, start) + put + text.slice(start + cut));
      refused += errors.length > 0 ? 1 : 0;
      for (const { message } of errors) {
        assert(message.split("\n").length <= 3, message);
        // deno-lint-ignore no-control-regex -- none of them may reach a terminal
        assert(!/[\u0000-\u0009\u000b-\u001f]/.test(message), message);
        assertMatch(message, /^Cannot (read|parse) .*, expected .*$/m);
      }
    }),
    { seed, numRuns: 500 },
  );
  assert(refused > 50, `${refused} of 500 were refused`);
});
