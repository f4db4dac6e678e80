import { assert, assertEquals } from "@std/assert";
import { type Feature, FEATURES, NOT_YET } from "../../src/cluster/not_yet.ts";
import { readObjects } from "../../src/cluster/read_objects.ts";
import { policy } from "./_manifest.ts";

const rule = (text: string) => policy(`  endpointSelector: {}\n  ${text}`);
const egress = (text: string) => rule(`egress: [${text}]`);
const ports = (port: string, more: string) =>
  egress(`{ toPorts: [{ ports: [${port}], ${more} }] }`);

const NETWORK_POLICY = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: a }
spec: { podSelector: {} }`;

const CLUSTER_NETWORK_POLICY = `apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: { name: a }
spec: { tier: Admin, priority: 0, subject: { namespaces: {} } }`;

/** For each feature, a policy that uses it alone. */
const USES: { readonly [feature in Feature]: string } = {
  "CiliumClusterwideNetworkPolicy": policy(
    "  endpointSelector: {}\n  ingress: [{}]",
    "CiliumClusterwideNetworkPolicy",
  ),
  "NetworkPolicy": NETWORK_POLICY,
  "ClusterNetworkPolicy": CLUSTER_NETWORK_POLICY,
  "host policies": policy(
    "  nodeSelector: {}\n  ingress: [{}]",
    "CiliumClusterwideNetworkPolicy",
  ),
  "deny rules": rule("ingressDeny: [{}]"),
  "log text": rule("ingress: [{}]\n  log: { value: x }"),
  "CIDR rules": egress("{ toCIDR: [10.0.0.0/8] }"),
  "CIDR groups": egress("{ toCIDRSet: [{ cidrGroupRef: vpn }] }"),
  "entities": egress("{ toEntities: [world] }"),
  "node selectors": egress("{ toNodes: [{}] }"),
  "service selectors": egress("{ toServices: [{ k8sService: { serviceName: web } }] }"),
  "DNS names": egress("{ toFQDNs: [{ matchName: cilium.io }] }"),
  "labels of address blocks, DNS names and nodes": egress(
    '{ toEndpoints: [{ matchLabels: { "cidr:10.0.0.0/8": "" } }] }',
  ),
  "named ports": ports("{ port: web }", ""),
  "ICMP rules": egress("{ icmps: [{ fields: [{ type: 8 }] }] }"),
  "HTTP rules": ports('{ port: "80", protocol: TCP }', "rules: { http: [{}] }"),
  "DNS rules": ports('{ port: "53" }', 'rules: { dns: [{ matchPattern: "*" }] }'),
  "SNI rules": ports('{ port: "443" }', "serverNames: [cilium.io]"),
  "TLS interception": ports('{ port: "443" }', "originatingTLS: { secret: { name: ca } }"),
  "Envoy listeners": ports('{ port: "80" }', "listener: { name: l, envoyConfig: { name: e } }"),
  "mutual authentication": egress("{ authentication: { mode: required } }"),
};

for (const feature of FEATURES) {
  Deno.test(`readObjects() refuses ${feature} while they are gated, and reads them then`, () => {
    const inputs = [{ name: "p.yaml", text: USES[feature] }];
    const gated = readObjects(inputs, { notYet: new Set([feature]) });
    assertEquals([gated.objects.length, gated.errors.length], [0, 1]);
    assert(gated.errors[0]?.summary.includes("is not supported yet"));
    const open = readObjects(inputs, { notYet: new Set() });
    assertEquals([open.objects.length, open.errors.map(({ message }) => message)], [1, []]);
  });
}

Deno.test("readObjects() says of a gated feature what it is and where", () => {
  const text = USES["CIDR rules"];
  const { errors } = readObjects([{ name: "p.yaml", text }], { notYet: new Set(["CIDR rules"]) });
  assertEquals(errors.map(({ message }) => message.split("\n")), [[
    'Cannot read CiliumNetworkPolicy "default/rule1": spec.egress[0].toCIDR is not supported yet ' +
    "(CIDR rules), expected a policy without it",
    "  at p.yaml:7:22",
  ]]);
});

Deno.test("readObjects() reports what is wrong before what is gated", () => {
  const text = egress("{ toCIDR: [10.0.0.0/33] }");
  const { errors } = readObjects([{ name: "p.yaml", text }], { notYet: new Set(FEATURES) });
  assert(errors[0]?.summary.includes('is "10.0.0.0/33"'));
});

Deno.test("NOT_YET names features that exist", () => {
  for (const feature of NOT_YET) assert(FEATURES.includes(feature));
});

Deno.test("readObjects() says why nothing can be done about TLS interception and listeners", () => {
  const messages = (["TLS interception", "Envoy listeners"] as const).flatMap((feature) =>
    readObjects([{ name: "p.yaml", text: USES[feature] }]).errors.map(({ summary }) => summary)
  );
  const item = 'Cannot read CiliumNetworkPolicy "default/rule1": spec.egress[0].toPorts[0]';
  assertEquals(messages, [
    `${item}.originatingTLS is not supported yet (TLS interception: nothing here ends TLS), expected a policy without it`,
    `${item}.listener is not supported yet (Envoy listeners: there is no Envoy here), expected a policy without it`,
  ]);
});
