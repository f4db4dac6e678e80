import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Change, replaceWith } from "../../src/cluster/change.ts";
import { refOf } from "../../src/cluster/object.ts";
import { readObjects } from "../../src/cluster/read_objects.ts";
import { DEATH_STAR } from "../../src/cluster/scenarios/death_star.ts";
import type { IdentityAllocator } from "../../src/identity/allocator.ts";
import { labelsOf } from "../../src/identity/label.ts";
import { LocalAllocator } from "../../src/identity/local_allocator.ts";
import { compileCluster } from "../../src/policy/compile_cluster.ts";
import { PolicyEngine } from "../../src/policy/engine.ts";
import type { PolicySnapshot } from "../../src/policy/snapshot.ts";

function mustRead(text: string) {
  const { objects, errors } = readObjects([{ name: "test", text }]);
  assertEquals(errors, []);
  return objects;
}

function upserts(text: string): Change[] {
  return mustRead(text).map((object) => ({ type: "upsert", object }));
}

function deletes(text: string): Change[] {
  return mustRead(text).map((object) => ({ type: "delete", ref: refOf(object) }));
}

function pod(name: string, org: string, ip: string, spec = "{}", phase = "Running"): string {
  return `---
{ apiVersion: v1, kind: Pod, metadata: { name: ${name}, labels: { org: ${org} } }, spec: ${spec},
  status: { phase: ${phase}, podIP: ${ip} } }
`;
}

const ONLY_X = `---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: only-x }
spec: { endpointSelector: { matchLabels: { org: y } }, ingress: [{ fromEndpoints: [{ matchLabels: { org: x } }] }] }
`;

function summaryOf({ policies, identities }: PolicySnapshot) {
  return policies.map(({ number, revision, subject, enforced, mapState }) => ({
    number,
    revision,
    org: subject.labels.find(({ key }) => key === "org")?.value,
    enforced: enforced.ingress,
    peers: mapState.entries.filter((e) => e.direction === "ingress").map(({ identity }) =>
      identities.find(({ id }) => id === identity)?.labels.find(({ key }) => key === "org")
        ?.value ??
        identity
    ),
  }));
}

Deno.test("compileCluster() gives the Death Star scenario its policies", async () => {
  const snapshot = await compileCluster(readObjects([DEATH_STAR]).objects);
  assertEquals(snapshot.problems, []);
  assertEquals(snapshot.endpoints.map((e) => [e.id, e.name, e.identity, e.policy]), [
    [1, "deathstar", 256, 1],
    [2, "tiefighter", 257, 2],
    [3, "xwing", 258, 3],
  ]);
  assertEquals(snapshot.ipcache.map((e) => [e.address.text, e.identity, e.slot]), [
    ["10.1.0.10", 256, 256],
    ["fd00:10:1::10", 256, 256],
    ["10.1.0.11", 257, 257],
    ["fd00:10:1::11", 257, 257],
    ["10.1.0.12", 258, 258],
    ["fd00:10:1::12", 258, 258],
  ]);
  const [deathstar] = snapshot.policies;
  const entries = deathstar?.mapState.entries.map((e) => {
    const rules = snapshot.rulesOf(e.cookie)?.map(({ name, index }) => `${name}[${index}]`);
    return `${e.direction} ${e.identity} ${e.protocol}:${e.port}/${e.portPrefix} ${rules}`;
  });
  assertEquals(entries, [
    "ingress 0 6:123/16 deathstar-ingress[2]",
    "ingress 0 17:123/16 deathstar-ingress[2]",
    "ingress 0 132:123/16 deathstar-ingress[2]",
    "ingress 1 0:0/0 allow-localhost[0]",
    "ingress 256 6:80/16 deathstar-ingress[0]",
    "ingress 257 6:80/16 deathstar-ingress[0]",
    "ingress 257 17:8080/12 deathstar-ingress[1]",
    "egress 0 0:0/0 ",
  ]);
});

Deno.test("PolicyEngine shares a policy between endpoints of one identity", async () => {
  using engine = new PolicyEngine();
  const text = pod("a", "x", "10.0.0.1") + pod("b", "x", "10.0.0.2") + pod("c", "y", "10.0.0.3");
  const { endpoints, policies } = await engine.apply(upserts(text));
  assertEquals(endpoints.map(({ name, policy }) => [name, policy]), [["a", 1], ["b", 1], ["c", 2]]);
  assertEquals(policies.length, 2);
});

Deno.test("PolicyEngine changes the policies that a change concerns, and their revisions", async () => {
  using engine = new PolicyEngine();
  const pods = pod("a", "x", "10.0.0.1") + pod("b", "y", "10.0.0.2");
  await engine.apply(upserts(pods + ONLY_X));
  const before = engine.snapshot;
  assertEquals(summaryOf(before), [
    { number: 1, revision: 1, org: "x", enforced: false, peers: [0] },
    { number: 2, revision: 1, org: "y", enforced: true, peers: [1, "x"] },
  ]);
  // The same again: nothing to do.
  await engine.apply(upserts(pods + ONLY_X));
  assertEquals(summaryOf(engine.snapshot), summaryOf(before));
  // The peer's identity goes, then the policy does.
  await engine.apply(deletes(pod("a", "x", "10.0.0.1")));
  assertEquals(summaryOf(engine.snapshot), [
    { number: 2, revision: 2, org: "y", enforced: true, peers: [1] },
  ]);
  assertEquals(engine.snapshot.ipcache.map(({ address }) => address.text), ["10.0.0.2"]);
  await engine.apply(deletes(ONLY_X));
  assertEquals(summaryOf(engine.snapshot), [
    { number: 2, revision: 3, org: "y", enforced: false, peers: [0] },
  ]);
  // What was handed out before has not changed.
  assertEquals(before.policies[1]?.mapState.entries.length, 3);
});

Deno.test("PolicyEngine moves a pod to another policy when its labels change", async () => {
  using engine = new PolicyEngine();
  await engine.apply(upserts(pod("a", "x", "10.0.0.1") + pod("b", "y", "10.0.0.2") + ONLY_X));
  const { endpoints, ipcache } = await engine.apply(upserts(pod("a", "y", "10.0.0.9")));
  assertEquals(endpoints.map(({ id, policy }) => [id, policy]), [[1, 2], [2, 2]]);
  assertEquals(ipcache.map(({ address, identity }) => [address.text, identity]), [
    ["10.0.0.2", 257],
    ["10.0.0.9", 257],
  ]);
});

Deno.test("PolicyEngine follows the labels of namespaces", async () => {
  using engine = new PolicyEngine();
  const namespace = (team: string) =>
    `---\n{ apiVersion: v1, kind: Namespace, metadata: { name: default, labels: { team: ${team} } } }`;
  const byTeam = ONLY_X.replace("{ org: x }", "{ io.cilium.k8s.namespace.labels.team: a }");
  await engine.apply(upserts(pod("b", "y", "10.0.0.1") + byTeam));
  assertEquals(summaryOf(engine.snapshot)[0]?.peers, [1]);
  await engine.apply(upserts(namespace("a")));
  assertEquals(summaryOf(engine.snapshot)[0]?.peers, [1, "y"]);
  await engine.apply(upserts(namespace("b")));
  assertEquals(summaryOf(engine.snapshot)[0]?.peers, [1]);
});

Deno.test("PolicyEngine leaves finished pods out and gives pods of the host network the host", async () => {
  const { endpoints, ipcache, problems } = await compileCluster(mustRead(
    pod("done", "x", "10.0.0.1", "{}", "Succeeded") +
      pod("a", "x", "192.168.0.1", "{ hostNetwork: true }") +
      pod("b", "x", "192.168.0.1", "{ hostNetwork: true }"),
  ));
  assertEquals(endpoints, []);
  assertEquals(ipcache.map(({ address, identity, slot }) => [address.text, identity, slot]), [
    ["192.168.0.1", 1, 1],
  ]);
  assertEquals(problems, []);
});

Deno.test("PolicyEngine reports an address that two pods claim, and lets the first one have it", async () => {
  using engine = new PolicyEngine();
  const first = pod("a", "x", "10.0.0.1");
  const { ipcache, problems } = await engine.apply(upserts(first + pod("b", "y", "10.0.0.1")));
  assertEquals(ipcache.map(({ owner }) => owner), ["default/a"]);
  assertEquals(problems.map(({ message }) => message), [
    'Cannot use address "10.0.0.1" for default/b: held by default/a, expected one pod per address',
  ]);
  const after = await engine.apply(deletes(first));
  assertEquals(after.ipcache.map(({ owner }) => owner), ["default/b"]);
  assertEquals(after.problems, []);
});

Deno.test("PolicyEngine tries again what an allocator failed to do", async () => {
  const inner = new LocalAllocator();
  let failures = 1;
  const allocator: IdentityAllocator = {
    allocate: (labels, signal) =>
      failures-- > 0 ? Promise.reject(new Error("store is away")) : inner.allocate(labels, signal),
    release: (identity) => inner.release(identity),
    watch: (listener) => inner.watch(listener),
  };
  using engine = new PolicyEngine({ allocator });
  const changes = upserts(pod("a", "x", "10.0.0.1") + pod("b", "y", "10.0.0.2"));
  await assertRejects(() => engine.apply(changes), Error, "store is away");
  assertEquals(engine.snapshot.endpoints.map(({ name }) => name), ["b"]);
  await engine.apply([]);
  assertEquals(engine.snapshot.endpoints.map(({ name }) => name).sort(), ["a", "b"]);
});

Deno.test("PolicyEngine takes in identities that others allocate", async () => {
  const allocator = new LocalAllocator();
  const told: number[] = [];
  using engine = new PolicyEngine({ allocator, onSnapshot: ({ revision }) => told.push(revision) });
  await engine.apply(upserts(pod("b", "y", "10.0.0.2") + ONLY_X));
  const remote = await allocator.allocate(labelsOf([
    { source: "k8s", key: "org", value: "x" },
    { source: "k8s", key: "io.kubernetes.pod.namespace", value: "default" },
    { source: "k8s", key: "io.cilium.k8s.policy.cluster", value: "default" },
  ]));
  await Promise.resolve();
  assertEquals(summaryOf(engine.snapshot)[0]?.peers, [1, "x"]);
  assertEquals(told, [1, 2]);
  assertEquals(engine.slots.get(remote.id), 257);
  await allocator.release(remote);
  await Promise.resolve();
  assertEquals(summaryOf(engine.snapshot)[0]?.peers, [1]);
  // Its slot waits for the datapath to let go of it.
  assertEquals([engine.slots.get(remote.id), engine.slots.phaseOf(257)], [undefined, "retired"]);
});

Deno.test("PolicyEngine.apply() obeys a signal, and stays usable", async () => {
  using engine = new PolicyEngine();
  const changes = upserts(pod("a", "x", "10.0.0.1"));
  await assertRejects(
    () => engine.apply(changes, AbortSignal.abort(new Error("stop"))),
    Error,
    "stop",
  );
  const { endpoints } = await engine.apply([]);
  assert(endpoints.length === 1);
});

Deno.test("PolicyEngine without allowLocalhost treats the host like everyone", async () => {
  const objects = mustRead(pod("b", "y", "10.0.0.2") + ONLY_X);
  const snapshot = await compileCluster(objects, { settings: { allowLocalhost: false } });
  assertEquals(summaryOf(snapshot)[0]?.peers, []);
});

Deno.test("PolicyEngine forgets everything at the end of an empty relist", async () => {
  using engine = new PolicyEngine();
  await engine.apply(replaceWith(readObjects([DEATH_STAR]).objects));
  const { endpoints, ipcache, policies, identities } = await engine.apply(replaceWith([]));
  assertEquals([endpoints, ipcache, policies, identities.length], [[], [], [], 10]);
});

Deno.test("PolicySnapshot.logsOf() returns the texts of the rules behind an entry", async () => {
  const logged = ONLY_X.replace("spec: {", 'spec: { log: { value: "team x" },');
  using engine = new PolicyEngine();
  await engine.apply(upserts(pod("a", "x", "10.0.0.1") + pod("b", "y", "10.0.0.2") + logged));
  const logs = ({ policies, logsOf }: PolicySnapshot) =>
    policies[1]?.mapState.entries.filter((e) => e.direction === "ingress")
      .map(({ cookie }) => logsOf(cookie));
  assertEquals(logs(engine.snapshot), [[], ["team x"]]);
  await engine.apply(upserts(ONLY_X));
  assertEquals(logs(engine.snapshot), [[], []]);
});
