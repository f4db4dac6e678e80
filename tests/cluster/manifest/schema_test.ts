import { assertEquals } from "@std/assert";
import { nearest, type Schema, suggestField } from "../../../src/cluster/manifest/schema.ts";

const RULE: Schema = { peers: {}, ports: { list: true, fields: { port: {} } } };
const SCHEMA: Schema = {
  spec: { fields: { ingress: { list: true, fields: RULE }, egress: { list: true, fields: RULE } } },
};

function suggest(parent: string, name: string, siblings: string[], present: string[]) {
  return suggestField(SCHEMA, parent, name, siblings, present);
}

Deno.test("suggestField() answers a misplaced field by its path, guided by what is there", () => {
  const siblings = ["ingress", "egress"];
  assertEquals(suggest("spec", "ports", siblings, ["ingress", "ports"]), "spec.ingress[0].ports");
  assertEquals(suggest("spec", "ports", siblings, ["egress", "ports"]), "spec.egress[0].ports");
  assertEquals(suggest("", "port", ["spec"], ["spec"]), "spec.ingress[0].ports[0].port");
});

Deno.test("suggestField() answers a misspelt field by its sibling", () => {
  assertEquals(suggest("spec", "ingres", ["ingress", "egress"], []), "spec.ingress");
  assertEquals(suggest("spec", "nothing", ["ingress", "egress"], []), undefined);
});

Deno.test("suggestField() is not fooled by what every object has", () => {
  for (const name of ["constructor", "__proto__", "toString"]) {
    assertEquals(suggest("spec", name, ["ingress"], []), undefined);
  }
});

Deno.test("nearest() accepts one edit in short words and two in long ones", () => {
  const words = ["In", "ingress", "endpointSelector"];
  assertEquals(nearest("im", words), "In");
  assertEquals(nearest("endpointselecter", words), "endpointSelector");
  assertEquals(nearest("ingrss", words), "ingress");
  assertEquals(nearest("ixxress", words), "ingress");
  assertEquals(nearest("xxxress", words), undefined);
  assertEquals(nearest("x".repeat(100000), words), undefined);
});
