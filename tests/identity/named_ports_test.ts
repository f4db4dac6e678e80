import { assertEquals } from "@std/assert";
import type { ContainerPort } from "../../src/cluster/object.ts";
import { NamedPortTable, portsNamed } from "../../src/identity/named_ports.ts";

const WEB: ContainerPort = { name: "web", port: 80, protocol: "TCP" };
const WEB_8080: ContainerPort = { name: "web", port: 8080, protocol: "TCP" };
const DNS: readonly ContainerPort[] = [
  { name: "dns", port: 53, protocol: "UDP" },
  { name: "dns", port: 53, protocol: "TCP" },
];

function numbers(ports: readonly { protocol: number; port: number }[]): string[] {
  return ports.map(({ protocol, port }) => `${protocol}:${port}`);
}

Deno.test("portsNamed() finds a name in every protocol that is asked for", () => {
  assertEquals(numbers(portsNamed([WEB, ...DNS], "dns", [6, 17, 132])), ["6:53", "17:53"]);
  assertEquals(numbers(portsNamed(DNS, "dns", [17])), ["17:53"]);
  assertEquals(portsNamed(DNS, "web", [6]), []);
});

Deno.test("NamedPortTable lets the pods that declare a name speak for the others", () => {
  const table = new NamedPortTable();
  assertEquals([table.add(256, [WEB]), table.add(256, [WEB])], [true, false]);
  table.add(256, DNS);
  assertEquals(numbers(table.resolve(256, "web", [6], false)), ["6:80"]);
  assertEquals([...table.namesOf(256)], ["web", "dns"]);
  assertEquals([table.remove(256, [WEB]), table.remove(256, [WEB])], [false, true]);
  assertEquals(table.resolve(256, "web", [6], false), []);
});

Deno.test("NamedPortTable opens nothing where pods of one identity differ, and closes all", () => {
  const table = new NamedPortTable();
  table.add(256, [WEB]);
  table.add(256, [WEB_8080]);
  assertEquals(table.resolve(256, "web", [6], false), []);
  assertEquals(numbers(table.resolve(256, "web", [6], true)), ["6:80", "6:8080"]);
});
