import { assertEquals } from "@std/assert";
import { readObjects } from "../../src/cluster/read_objects.ts";
import { withAddresses } from "../../src/verify/made_up_address.ts";

function pod(name: string, spec: string, status: string): string {
  return `---
apiVersion: v1
kind: Pod
metadata: { name: ${name} }
spec: ${spec}
status: ${status}
`;
}

Deno.test("withAddresses() gives two addresses to pods of their own network without any", () => {
  const text = pod("taken", "{}", "{ podIPs: [{ ip: 198.18.0.1 }] }") + pod("a", "{}", "{}") +
    pod("b", "{}", "{}") + pod("host", "{ hostNetwork: true }", "{}") +
    pod("over", "{}", "{ phase: Succeeded }");
  const { objects } = readObjects([{ name: "test", text }]);
  const given = withAddresses(objects).map((object) =>
    object.kind === "Pod" ? [object.name, object.addresses.map((a) => a.text)] : []
  );
  assertEquals(given, [
    ["taken", ["198.18.0.1"]],
    ["a", ["198.18.0.2", "fdc6:1200::3"]],
    ["b", ["198.18.0.4", "fdc6:1200::5"]],
    ["host", []],
    ["over", []],
  ]);
});
