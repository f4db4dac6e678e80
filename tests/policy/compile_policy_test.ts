import { assertEquals } from "@std/assert";
import type { CiliumNetworkPolicy } from "../../src/cluster/object.ts";
import { readObjects } from "../../src/cluster/read_objects.ts";
import { compilePolicy } from "../../src/policy/compile_policy.ts";

function compile(rest: string) {
  const { objects, errors } = readObjects([{
    name: "p",
    text: `{ apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: { name: p }, ${rest} }`,
  }]);
  assertEquals(errors, []);
  return compilePolicy(objects[0] as CiliumNetworkPolicy, "default");
}

Deno.test("compilePolicy() counts rules per direction through spec and specs", () => {
  const rules = compile(`
    spec: { endpointSelector: {}, ingress: [{}, {}], egress: [{}] },
    specs: [{ endpointSelector: {}, egress: [{}], ingress: [{}] }]`);
  assertEquals(rules.map(({ origin }) => `${origin.direction}[${origin.index}]`), [
    "ingress[0]",
    "ingress[1]",
    "egress[0]",
    "ingress[2]",
    "egress[1]",
  ]);
});

Deno.test("compilePolicy() tells no peers, every peer and some peers apart", () => {
  const rules = compile(`spec: { endpointSelector: {}, ingress: [
    {}, { toPorts: [] }, { fromEndpoints: [] }, { fromEndpoints: [], toPorts: [{ ports: [{}] }] },
    { toPorts: [{ ports: [{}] }] }, { fromEndpoints: [{}] } ] }`);
  assertEquals(rules.map(({ peers }) => peers === "all" ? "all" : peers.length), [
    0,
    0,
    0,
    0,
    "all",
    1,
  ]);
});

Deno.test("compilePolicy() turns ports into keys", () => {
  const ports = (text: string) =>
    compile(`spec: { endpointSelector: {}, egress: [{ toPorts: ${text} }] }`)
      .flatMap((rule) => rule.ports.map((p) => `${p.protocol}:${p.port}/${p.portPrefix}`));
  assertEquals(ports("[]"), ["0:0/0"]);
  assertEquals(ports("[{ ports: [{ port: 80, protocol: TCP }] }]"), ["6:80/16"]);
  assertEquals(ports("[{ ports: [{ port: 53 }] }]"), ["6:53/16", "17:53/16", "132:53/16"]);
  assertEquals(ports("[{ ports: [{ port: 0, protocol: SCTP }] }]"), ["132:0/0"]);
  assertEquals(ports("[{ ports: [{ port: 8080, endPort: 8095, protocol: UDP }] }]"), [
    "17:8080/12",
  ]);
  assertEquals(ports("[{ ports: [{ port: 5, endPort: 7, protocol: TCP }] }]"), [
    "6:5/16",
    "6:6/15",
  ]);
});

Deno.test("compilePolicy() has default deny on, unless the policy says otherwise", () => {
  const rules = compile(
    `spec: { endpointSelector: {}, enableDefaultDeny: { egress: false }, ingress: [{}], egress: [{}] }`,
  );
  assertEquals(rules.map(({ direction, defaultDeny }) => [direction, defaultDeny]), [
    ["ingress", true],
    ["egress", false],
  ]);
});
