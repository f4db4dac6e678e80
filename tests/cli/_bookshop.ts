/**
 * A shop of twelve services, closed by default, in which each service opens the one port on
 * which those that need it may call: the shape of many real clusters.
 */
function deployment(name: string, port: number): string {
  return `
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, labels: { app: ${name} } }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      serviceAccountName: ${name}
      containers:
        - name: server
          image: example.com/${name}:1.4
          ports: [{ containerPort: ${port} }]
---
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec:
  type: ClusterIP
  selector: { app: ${name} }
  ports: [{ name: grpc, port: ${port}, targetPort: ${port} }]
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: ${name} }`;
}

/** May call out to everybody; may be called by some, on its port. */
function policy(name: string, callers: readonly string[], port: number): string {
  const from = callers.map((app) => `{ podSelector: { matchLabels: { app: ${app} } } }`);
  return `
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: ${name} }
spec:
  podSelector: { matchLabels: { app: ${name} } }
  policyTypes: [Ingress, Egress]
  ingress:
    - from: [${from.join(", ")}]
      ports: [{ port: ${port}, protocol: TCP }]
  egress: [{}]`;
}

const SERVICES: readonly (readonly [name: string, port: number, callers: readonly string[]])[] = [
  ["advice", 8080, ["storefront"]],
  ["banners", 9555, ["storefront"]],
  ["basket", 7070, ["storefront", "checkout"]],
  ["basket-store", 6379, ["basket"]],
  ["catalogue", 3550, ["storefront", "checkout", "advice"]],
  ["checkout", 5050, ["storefront"]],
  ["mailer", 8080, ["checkout"]],
  ["payments", 50051, ["checkout"]],
  ["rates", 7000, ["storefront", "checkout"]],
  ["shipping", 50051, ["storefront", "checkout"]],
];

/** All manifests, as one file. */
export const BOOKSHOP = [
  `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: deny-all }
spec: { podSelector: {}, policyTypes: [Ingress, Egress] }`,
  ...SERVICES.map(([name, port, callers]) => deployment(name, port) + policy(name, callers, port)),
  deployment("storefront", 8080),
  `
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: storefront }
spec:
  podSelector: { matchLabels: { app: storefront } }
  policyTypes: [Ingress, Egress]
  ingress: [{}]
  egress: [{}]`,
  deployment("visitors", 1),
  `
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: visitors }
spec:
  podSelector: { matchLabels: { app: visitors } }
  policyTypes: [Egress]
  egress: [{}]
`,
].join("");
