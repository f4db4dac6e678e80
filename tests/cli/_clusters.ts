/** A web shop of three tiers in one namespace, and a monitor in another. */
export const SHOP = `
apiVersion: v1
kind: List
items:
  - { apiVersion: v1, kind: Namespace, metadata: { name: shop, labels: { team: shop } } }
  - { apiVersion: v1, kind: Namespace, metadata: { name: ops, labels: { team: ops } } }
  - apiVersion: v1
    kind: Pod
    metadata: { name: web, namespace: shop, labels: { app: web } }
    status: { podIPs: [{ ip: 10.0.0.1 }] }
  - apiVersion: v1
    kind: Pod
    metadata: { name: api, namespace: shop, labels: { app: api } }
    status: { podIPs: [{ ip: 10.0.0.2 }] }
  - apiVersion: v1
    kind: Pod
    metadata: { name: db, namespace: shop, labels: { app: db } }
    status: { podIPs: [{ ip: 10.0.0.3 }, { ip: "fd00::3" }] }
  - apiVersion: v1
    kind: Pod
    metadata: { name: monitor, namespace: ops, labels: { app: monitor } }
    status: { podIPs: [{ ip: 10.0.0.4 }] }
  - apiVersion: cilium.io/v2
    kind: CiliumNetworkPolicy
    metadata: { name: db, namespace: shop }
    spec:
      endpointSelector: { matchLabels: { app: db } }
      ingress:
        - fromEndpoints: [{ matchLabels: { app: api } }]
          toPorts: [{ ports: [{ port: "5432", protocol: TCP }] }]
        - fromEndpoints: [{ matchLabels: { "k8s:io.kubernetes.pod.namespace": ops, app: monitor } }]
          toPorts: [{ ports: [{ port: "9100", endPort: 9103, protocol: TCP }] }]
  - apiVersion: cilium.io/v2
    kind: CiliumNetworkPolicy
    metadata: { name: web, namespace: shop }
    spec:
      endpointSelector: { matchLabels: { app: web } }
      egress:
        - toEndpoints: [{ matchLabels: { app: api } }]
          toPorts: [{ ports: [{ port: "8080", protocol: TCP }] }]
`;
