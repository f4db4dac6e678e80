import { assertEquals, assertThrows } from "@std/assert";
import { getVariable, setVariable } from "ebpf-ts-loader";
import { fixture } from "../fixtures.ts";

Deno.test("setVariable() writes integers, bools and bytes", () => {
  const spec = fixture("tc.bpf.o");
  setVariable(spec, "config_endpoint_id", 0xfffffffe);
  setVariable(spec, "config_enabled", false);
  setVariable(spec, "config_key", new Uint8Array(8).fill(9));
  setVariable(spec, "total", 2n ** 64n - 1n);
  assertEquals(getVariable(spec, "config_endpoint_id"), new Uint8Array([0xfe, 255, 255, 255]));
  assertEquals(getVariable(spec, "config_enabled"), new Uint8Array([0]));
  assertEquals(getVariable(spec, "config_key"), new Uint8Array(8).fill(9));
  assertEquals(getVariable(spec, "total"), new Uint8Array(8).fill(255));
});

Deno.test("setVariable() refuses what does not fit", () => {
  const spec = fixture("tc.bpf.o");
  const set = (name: string, value: number | bigint | Uint8Array) => () =>
    setVariable(spec, name, value);
  assertThrows(set("config_endpoint_id", 2 ** 32), RangeError, "expected 0 to 4294967295");
  assertThrows(set("config_endpoint_id", -1), RangeError);
  assertThrows(set("config_endpoint_id", 1.5), RangeError, "safe integer");
  assertThrows(set("config_enabled", 2), RangeError, "0 to 1");
  assertThrows(set("config_key", 1), TypeError, "Uint8Array of 8 bytes");
  assertThrows(set("config_key", new Uint8Array(7)), RangeError, "7 bytes, expected 8");
  assertThrows(set("missing", 1), TypeError, "expected one of config_endpoint_id");
});
