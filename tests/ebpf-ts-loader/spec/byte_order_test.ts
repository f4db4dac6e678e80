import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  Btf,
  type CollectionSpec,
  getVariable,
  loadCollection,
  NotSupportedError,
} from "ebpf-ts-loader";
import { fixture } from "../fixtures.ts";
import { kernelTest } from "../kernel.ts";

/** What does not depend on the order of bytes: all but the contents of global data. */
function orderless({ maps, programs, variables, externs, license }: CollectionSpec) {
  return {
    maps: [...maps].map(([name, map]) => [name, { ...map, contents: map.contents?.length }]),
    // Stores two neighbouring members as one number: its bytes differ by nature.
    programs: [...programs.values()].filter(({ name }) => name !== "ingress"),
    variables,
    externs,
    license,
  };
}

Deno.test("parseObject() reads a big-endian object into the same specification", () => {
  const [little, big] = [fixture("tc.bpf.o"), fixture("tc.be.bpf.o")];
  assertEquals([little.byteOrder, big.byteOrder], ["little", "big"]);
  assertEquals(orderless(big), orderless(little));
  assertEquals(big.kernelBtf, little.kernelBtf);
});

Deno.test("parseObject() leaves global data in the target's order", () => {
  const big = fixture("tc.be.bpf.o");
  assertEquals(getVariable(big, "config_endpoint_id"), new Uint8Array([0, 0, 0, 1]));
  assertEquals(getVariable(big, "total"), new Uint8Array([0, 0, 0, 0, 0, 0, 0, 5]));
});

Deno.test("Btf reads both byte orders into the same types", () => {
  const [little, big] = [fixture("tc.bpf.o").btf, fixture("tc.be.bpf.o").btf];
  assert(little && big);
  assertEquals(big.byteOrder, "big");
  assertEquals(big.types, little.types);
  assertEquals(big.bytes, little.bytes);
  assertEquals(new Btf(big.bytes).byteOrder, "little");
});

kernelTest("loadCollection() refuses a big-endian object", () => {
  assertThrows(
    () => loadCollection(fixture("tc.be.bpf.o")),
    NotSupportedError,
    'Cannot load "tc.be.bpf.o": a big-endian object not supported',
  );
});
