import { assertEquals } from "@std/assert";
import { readObjects } from "../../src/cluster/read_objects.ts";
import type { PortSpec } from "../../src/cluster/rule.ts";
import { icmpTypes, portRanges, portSpecs } from "../../src/verify/port_specs.ts";

const CILIUM = (rules: string) => `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: p }
spec: { endpointSelector: {}, ${rules} }
`;

const POD = `
apiVersion: v1
kind: Pod
metadata: { name: a }
spec: { containers: [{ name: a, ports: [{ name: Web, containerPort: 8080 }, { name: x, containerPort: 1 }] }] }
`;

const ROWS: readonly (readonly [description: string, text: string, specs: readonly PortSpec[]])[] =
  [
    [
      "rules that allow and rules that deny",
      CILIUM(
        "ingress: [{ toPorts: [{ ports: [{ port: '80', protocol: TCP }] }] }], " +
          "egressDeny: [{ toPorts: [{ ports: [{ port: '90', endPort: 99 }] }] }]",
      ),
      [{ port: 80, protocol: "TCP" }, { port: 90, endPort: 99, protocol: "ANY" }],
    ],
    [
      "what pods declare under a name",
      `${CILIUM("ingress: [{ toPorts: [{ ports: [{ port: web, protocol: TCP }] }] }]")}---${POD}`,
      [{ port: 8080, protocol: "TCP" }],
    ],
    [
      "a NetworkPolicy",
      `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: p }
spec: { podSelector: {}, egress: [{ ports: [{ port: 53, protocol: UDP }, { port: 1, endPort: 2 }, { protocol: SCTP }] }] }
`,
      [
        { port: 53, protocol: "UDP" },
        { port: 1, endPort: 2, protocol: "TCP" },
        { port: 0, protocol: "SCTP" },
      ],
    ],
    [
      "a ClusterNetworkPolicy",
      `
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: { name: p }
spec:
  tier: Admin
  priority: 1
  subject: { namespaces: {} }
  egress: [{ action: Deny, to: [{ namespaces: {} }], protocols: [{ tcp: { destinationPort: { range: { start: 5, end: 6 } } } }] }]
`,
      [{ port: 5, endPort: 6, protocol: "TCP" }],
    ],
  ];

function mustRead(text: string) {
  const { objects, errors } = readObjects([{ name: "test", text }]);
  assertEquals(errors.map(({ message }) => message), []);
  return objects;
}

for (const [description, text, specs] of ROWS) {
  Deno.test(`portSpecs() has the ports of ${description}`, () => {
    assertEquals([...portSpecs(mustRead(text))], specs);
  });
}

Deno.test("portRanges() takes ranges of the protocols and of any, and no port 0", () => {
  const specs: PortSpec[] = [
    { port: 0, protocol: "TCP" },
    { port: 1, protocol: "UDP" },
    { port: 2, endPort: 3, protocol: "ANY" },
  ];
  assertEquals([...portRanges(specs, ["TCP"])], [{ first: 2n, last: 3n }]);
});

Deno.test("icmpTypes() has the types of both families", () => {
  const rules = "ingress: [{ icmps: [{ fields: [{ type: 13 }, { type: 129, family: IPv6 }] }] }]";
  assertEquals([...icmpTypes(mustRead(CILIUM(rules)))], [13, 129]);
});
