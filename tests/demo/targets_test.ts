import { assertEquals } from "@std/assert";
import { readObjects } from "../../src/cluster/read_objects.ts";
import { probeTargets } from "../../src/demo/targets.ts";

function mustRead(ports: readonly string[]) {
  const text = `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: p }
spec:
  endpointSelector: {}
  ingress:
    - toPorts:
        - ports: [${ports.join(", ")}]
`;
  const { objects, errors } = readObjects([{ name: "p.yaml", text }]);
  assertEquals(errors, []);
  const policies = objects.filter((object) => object.kind === "CiliumNetworkPolicy");
  return probeTargets(policies);
}

function targetsOf(...ports: string[]): string[] {
  const { targets, omitted } = mustRead(ports);
  assertEquals(omitted, 0);
  return targets.map(({ protocol, port }) => `${port}/${protocol}`);
}

Deno.test("probeTargets() tries named ports, the edges of ranges, an unnamed port and ping", () => {
  assertEquals(targetsOf("{ port: '80', protocol: TCP }"), [
    "80/TCP",
    "443/TCP",
    "53/UDP",
    "0/ICMP",
  ]);
  assertEquals(
    targetsOf("{ port: '8080', endPort: 8095, protocol: UDP }", "{ port: '443', protocol: TCP }"),
    ["443/TCP", "8443/TCP", "53/UDP", "8080/UDP", "8096/UDP", "0/ICMP"],
  );
});

Deno.test("probeTargets() takes ANY as TCP and UDP, and stays inside the port space", () => {
  assertEquals(
    targetsOf("{ port: '53', protocol: ANY }", "{ port: '65000', endPort: 65535, protocol: TCP }"),
    ["53/TCP", "443/TCP", "65000/TCP", "53/UDP", "5353/UDP", "0/ICMP"],
  );
});

Deno.test("probeTargets() is bounded, and says how much it left out", () => {
  const ports = Array.from({ length: 40 }, (_, index) => `{ port: '${1000 + index}' }`);
  const { targets, omitted } = mustRead(ports); // ANY: TCP and UDP
  assertEquals([targets.length, omitted], [2 * 13 + 1, 2 * 28]);
});
