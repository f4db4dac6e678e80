import { assertEquals } from "@std/assert";
import { parseIpAddress } from "../../src/cluster/ip_address.ts";
import { Ends } from "../../src/spec/ends.ts";
import { seenFrom } from "../../src/spec/select.ts";
import { readAll } from "../generate/read.ts";
import { CLUSTER } from "../policy/semantics/_cluster.ts";

const ENDS = new Ends(readAll([CLUSTER]));

/** What an address is, seen from node n1, and from n2. */
const TABLE: readonly (readonly [address: string, fromN1: string, fromN2: string])[] = [
  ["10.1.0.1", "pod", "pod"],
  ["10.0.0.1", "host", "remote-node"],
  ["10.0.0.2", "remote-node kube-apiserver", "host kube-apiserver"],
  ["50.0.0.2", "remote-node", "host kube-apiserver"],
  ["30.0.0.6", "world-ipv4 kube-apiserver", "world-ipv4 kube-apiserver"],
  ["8.8.8.8", "world-ipv4", "world-ipv4"],
  ["2001:db8::1", "world-ipv6", "world-ipv6"],
];

for (const [address, ...expected] of TABLE) {
  Deno.test(`Ends.at(): ${address} is ${expected[0]}`, () => {
    const peer = ENDS.at(parseIpAddress(address));
    const seen = ["n1", "n2"].map((node) => seenFrom(node, peer).reserved.join(" ") || peer.kind);
    assertEquals(seen, expected);
  });
}

Deno.test("Ends.at() finds the pod with its labels and its namespace's", () => {
  const peer = ENDS.at(parseIpAddress("10.1.0.1"));
  const labels = peer.kind === "pod" ? peer.labels : new Map<string, string>();
  const keys = ["app", "io.cilium.k8s.namespace.labels.team", "pod-template-hash"];
  assertEquals(keys.map((key) => labels.get(key)), ["web", "a", undefined]);
});

Deno.test("Ends.node() is the host where nothing of the node is known", () => {
  assertEquals(seenFrom("n1", ENDS.node(undefined)).reserved, ["host"]);
  assertEquals(seenFrom("n1", ENDS.node("n9")).reserved, ["remote-node"]);
});
