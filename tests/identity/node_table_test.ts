import { assertEquals } from "@std/assert";
import { parseIpAddress } from "../../src/cluster/ip_address.ts";
import type { Node } from "../../src/cluster/object.ts";
import { Ipcache } from "../../src/identity/ipcache.ts";
import { formatLabel } from "../../src/identity/label.ts";
import { NodeTable } from "../../src/identity/node_table.ts";

const REMOTE = 2 << 24;

function node(name: string, ip: string): Node {
  return {
    kind: "Node",
    name,
    labels: new Map([["zone", name]]),
    addresses: [{ type: "InternalIP", address: parseIpAddress(ip) }],
    podCidrs: [],
    location: { file: "test", line: 1, column: 1 },
  };
}

function fixture(cidrMatchesNodes = false) {
  const ipcache = new Ipcache();
  const table = new NodeTable({ ipcache, localNode: "n1", cidrMatchesNodes });
  table.upsertNode(node("n1", "10.0.0.1"));
  table.upsertNode(node("n2", "10.0.0.2"));
  const identities = () =>
    [...ipcache.entries()].map(({ address, identity }) => [address.text, identity]);
  return { table, identities };
}

Deno.test("NodeTable has the host, remote nodes, and the API server", () => {
  const { table, identities } = fixture();
  table.upsertNode(node("n3", "10.0.0.3"));
  table.setApiServers([parseIpAddress("10.0.0.3")]);
  assertEquals(table.reconcile(), { added: [], deleted: [] });
  assertEquals(identities(), [["10.0.0.1", 1], ["10.0.0.2", 6], ["10.0.0.3", 7]]);
  table.deleteNode(node("n3", "10.0.0.3"));
  table.reconcile();
  assertEquals(identities(), [["10.0.0.1", 1], ["10.0.0.2", 6]]);
});

Deno.test("NodeTable labels the host where the API is served", () => {
  const { table } = fixture();
  table.reconcile();
  table.setApiServers([parseIpAddress("10.0.0.1")]);
  const [host] = table.reconcile().added;
  assertEquals(host?.labels.map(formatLabel), ["reserved:host", "reserved:kube-apiserver"]);
  table.setApiServers([]);
  assertEquals(table.reconcile().added[0]?.labels.map(formatLabel), ["reserved:host"]);
});

Deno.test("NodeTable has a host for each kind of node where every node is the local one", () => {
  const ipcache = new Ipcache();
  const table = new NodeTable({ ipcache, localNode: undefined, cidrMatchesNodes: false });
  table.upsertNode(node("n1", "10.0.0.1"));
  table.upsertNode(node("n2", "10.0.0.2"));
  table.setApiServers([parseIpAddress("10.0.0.2")]);
  const { added } = table.reconcile();
  assertEquals(added.map(({ id, labels }) => [id, ...labels.map(formatLabel)]), [
    [REMOTE + 1, "reserved:host", "reserved:kube-apiserver"],
  ]);
  const seen = [...table.nodes.values()].map(({ name, host, remote }) => [name, host, ...remote]);
  assertEquals(seen, [
    ["n1", 1, ["10.0.0.1", 6]],
    ["n2", REMOTE + 1, ["10.0.0.2", 7]],
  ]);
  table.setApiServers([]);
  assertEquals(table.reconcile().deleted, [REMOTE + 1]);
  assertEquals([...table.nodes.values()].map(({ host }) => host), [1, 1]);
});

Deno.test("NodeTable gives remote nodes identities while rules ask for their labels", () => {
  const { table, identities } = fixture();
  table.reconcile();
  table.useLabels();
  const { added } = table.reconcile();
  assertEquals(added.map(({ id, labels }) => [id, ...labels.map(formatLabel)]), [
    [REMOTE + 1, "node:zone=n2", "reserved:remote-node"],
  ]);
  assertEquals(identities(), [["10.0.0.1", 1], ["10.0.0.2", REMOTE + 1]]);
  table.dropLabels();
  assertEquals(table.reconcile().deleted, [REMOTE + 1]);
  assertEquals(identities(), [["10.0.0.1", 1], ["10.0.0.2", 6]]);
});

Deno.test("NodeTable knows nodes by their addresses where blocks are for nodes", () => {
  const { table } = fixture(true);
  assertEquals(
    table.reconcile().added.map(({ id, prefixes }) => [id, prefixes?.map(({ text }) => text)]),
    [[1, ["10.0.0.1/32"]], [REMOTE + 1, ["10.0.0.2/32"]]],
  );
});
