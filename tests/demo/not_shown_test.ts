import { assertEquals } from "@std/assert";
import { readObjects } from "../../src/cluster/read_objects.ts";
import { DEATH_STAR } from "../../src/cluster/scenarios/death_star.ts";
import { notShown } from "../../src/demo/not_shown.ts";

const ROWS: readonly (readonly [subject: string, rule: string])[] = [
  ["addresses outside of the cluster", "egress: [{ toCIDR: [192.0.2.0/24] }]"],
  ["addresses outside of the cluster", "egress: [{ toFQDNs: [{ matchName: example.com }] }]"],
  ["addresses outside of the cluster", "ingress: [{ fromEntities: [world] }]"],
  ["nodes", "ingressDeny: [{ fromEntities: [remote-node] }]"],
  ["nodes", "egress: [{ toNodes: [{}] }]"],
  ["SCTP", "ingress: [{ toPorts: [{ ports: [{ port: '80', protocol: SCTP }] }] }]"],
  [
    "requests above the transport (no proxy listens)",
    "ingress: [{ toPorts: [{ ports: [{ port: '80', protocol: TCP }], rules: { http: [{}] } }] }]",
  ],
];

for (const [subject, rule] of ROWS) {
  Deno.test(`notShown() names ${subject} for ${rule}`, () => {
    const text = `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: p }
spec: { endpointSelector: {}, ${rule} }
`;
    const { objects, errors } = readObjects([{ name: "test", text }]);
    assertEquals(errors, []);
    assertEquals(notShown(objects), [
      `not shown, as there are only pods: ${subject} (twinpath verify tries them)`,
    ]);
  });
}

Deno.test("notShown() has nothing to say about what pods can show", () => {
  const text = `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: p }
spec: { endpointSelector: {}, ingress: [{ fromEndpoints: [{}], toPorts: [{ ports: [{ port: "80", protocol: UDP }] }] }] }
`;
  assertEquals(notShown(readObjects([{ name: "test", text }]).objects), []);
  assertEquals(notShown(readObjects([DEATH_STAR]).objects), []);
});
