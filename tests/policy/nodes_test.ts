/** What an engine computes for one node of several. */
import { assertEquals } from "@std/assert";
import { replaceWith } from "../../src/cluster/change.ts";
import { readObjects } from "../../src/cluster/read_objects.ts";
import { compileCluster } from "../../src/policy/compile_cluster.ts";
import { PolicyEngine } from "../../src/policy/engine.ts";
import { lookup } from "../../src/policy/lookup.ts";

const CLUSTER = `
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Node
    metadata: { name: n1, labels: { role: edge } }
    status: { addresses: [{ type: InternalIP, address: 10.0.0.1 }] }
  - apiVersion: v1
    kind: Node
    metadata: { name: n2, labels: { role: core } }
    status: { addresses: [{ type: InternalIP, address: 10.0.0.2 }] }
  - apiVersion: v1
    kind: Pod
    metadata: { name: near, labels: { app: a } }
    spec: { nodeName: n1 }
    status: { podIP: 10.1.0.1 }
  - apiVersion: v1
    kind: Pod
    metadata: { name: far, labels: { app: b } }
    spec: { nodeName: n2 }
    status: { podIP: 10.1.0.2 }
  - apiVersion: v1
    kind: Pod
    metadata: { name: agent }
    spec: { nodeName: n2, hostNetwork: true }
    status: { podIP: 10.0.0.2 }
`;

const HOST_POLICY = `
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: { name: edge }
spec:
  nodeSelector: { matchLabels: { role: edge } }
  ingress: [{ fromEntities: [cluster], toPorts: [{ ports: [{ port: "22", protocol: TCP }] }] }]
`;

function mustRead(text: string) {
  const { objects, errors } = readObjects([{ name: "test", text }]);
  assertEquals(errors, []);
  return objects;
}

const LOCAL = { settings: { localNode: "n1" } };

Deno.test("PolicyEngine has endpoints for the pods of its node, and addresses of all", async () => {
  const { endpoints, ipcache, policies, problems } = await compileCluster(mustRead(CLUSTER), LOCAL);
  assertEquals(endpoints.map(({ name }) => name), ["near"]);
  assertEquals(policies.length, 1);
  const identities = new Map(ipcache.map(({ address, identity }) => [address.text, identity]));
  assertEquals([identities.get("10.0.0.1"), identities.get("10.0.0.2")], [1, 6]);
  assertEquals([...identities.keys()].sort(), ["10.0.0.1", "10.0.0.2", "10.1.0.1", "10.1.0.2"]);
  assertEquals(problems, []);
});

Deno.test("PolicyEngine has a policy for the node that a host policy selects", async () => {
  const objects = mustRead(`${CLUSTER}---${HOST_POLICY}`);
  const snapshot = await compileCluster(objects, LOCAL);
  assertEquals(snapshot.hosts.map(({ name }) => name), ["n1"]);
  const policy = snapshot.policy(snapshot.hosts[0]?.policy ?? 0);
  assertEquals([policy?.host, policy?.enforced], [true, { ingress: true, egress: false }]);
  const mapState = policy?.mapState ?? { entries: [] };
  const verdict = (identity: number, port: number) =>
    lookup(mapState, identity, "ingress", 6, port).verdict;
  // Other nodes may, the world may not; the host is no guest of itself.
  assertEquals([verdict(6, 22), verdict(6, 23), verdict(9, 22), verdict(1, 80)], [
    "allow",
    "deny",
    "deny",
    "deny",
  ]);
  const other = await compileCluster(objects, { settings: { localNode: "n2" } });
  assertEquals(other.hosts, []);
});

Deno.test("PolicyEngine follows a host policy that comes and goes", async () => {
  using engine = new PolicyEngine(LOCAL);
  const base = mustRead(CLUSTER);
  const hosts = async (text: string) =>
    (await engine.apply(replaceWith([...base, ...text === "" ? [] : mustRead(text)]))).hosts;
  assertEquals((await hosts("")).length, 0);
  assertEquals((await hosts(HOST_POLICY)).length, 1);
  assertEquals((await hosts(HOST_POLICY.replace("role: edge", "role: core"))).length, 0);
  assertEquals((await hosts("")).length, 0);
});

Deno.test("PolicyEngine enforces nothing in mode never, and everything in mode always", async () => {
  const closed = `{ apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: { name: p },
    spec: { endpointSelector: {}, ingress: [{}] } }`;
  const enforced = async (enforcement: "default" | "always" | "never") =>
    (await compileCluster(mustRead(`${CLUSTER}---\n${closed}`), {
      settings: { localNode: "n1", enforcement },
    })).policies.map((policy) => policy.enforced);
  assertEquals(await enforced("default"), [{ ingress: true, egress: false }]);
  assertEquals(await enforced("always"), [{ ingress: true, egress: true }]);
  assertEquals(await enforced("never"), [{ ingress: false, egress: false }]);
});

Deno.test("PolicyEngine names both policies whose L7 rules cannot be on one port", async () => {
  const l7 = (name: string, created: string, rules: string) =>
    `---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: ${name}, creationTimestamp: ${created} }
spec:
  endpointSelector: {}
  egress: [{ toPorts: [{ ports: [{ port: "53", protocol: TCP }], rules: ${rules} }] }]
`;
  const { problems } = await compileCluster(
    mustRead(
      CLUSTER + l7("young", "2026-02-01T00:00:00Z", "{ http: [{ method: GET }] }") +
        l7("old", "2026-01-01T00:00:00Z", "{ dns: [{ matchName: a.io }] }"),
    ),
    LOCAL,
  );
  assertEquals(problems.map(({ message }) => message), [
    'Cannot enforce L7 rules of "default/young egress[0]": default/old egress[0] has another ' +
    "protocol on the same port, expected one",
  ]);
});
