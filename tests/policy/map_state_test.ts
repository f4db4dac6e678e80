import { assertEquals } from "@std/assert";
import {
  compareEntries,
  coversPorts,
  lastPortOf,
  type MapStateKey,
  matchTypeOf,
  prefixLengthOf,
} from "../../src/policy/map_state.ts";

function key(identity: number, protocol: number, port: number, portPrefix: number): MapStateKey {
  return { identity, direction: "ingress", protocol, port, portPrefix };
}

Deno.test("matchTypeOf() numbers matches as Cilium's events do", () => {
  const keys = [
    key(256, 0, 0, 0),
    key(256, 6, 80, 16),
    key(0, 6, 80, 16),
    key(0, 0, 0, 0),
    key(256, 6, 0, 0),
    key(0, 6, 0, 0),
  ];
  assertEquals(keys.map((k) => matchTypeOf(k, 0)), [1, 2, 3, 4, 5, 6]);
});

Deno.test("prefixLengthOf() counts the bits of protocol and port", () => {
  assertEquals([key(1, 0, 0, 0), key(1, 6, 0, 0), key(1, 6, 80, 16)].map(prefixLengthOf), [
    0,
    8,
    24,
  ]);
});

Deno.test("lastPortOf() ends the block of ports", () => {
  assertEquals([key(1, 6, 80, 16), key(1, 6, 8080, 12), key(1, 6, 0, 0)].map(lastPortOf), [
    80,
    8095,
    65535,
  ]);
});

Deno.test("coversPorts() compares protocol and ports, not identities", () => {
  assertEquals(coversPorts(key(1, 0, 0, 0), key(2, 17, 53, 16)), true);
  assertEquals(coversPorts(key(1, 6, 0, 0), key(1, 17, 53, 16)), false);
  assertEquals(coversPorts(key(1, 6, 8080, 12), key(1, 6, 8088, 13)), true);
  assertEquals(coversPorts(key(1, 6, 8088, 13), key(1, 6, 8080, 12)), false);
  assertEquals(coversPorts(key(1, 6, 8080, 12), key(1, 6, 8096, 16)), false);
  assertEquals(coversPorts(key(1, 6, 0, 0), key(1, 0, 0, 0)), false);
});

Deno.test("compareEntries() puts ingress first, then sorts by identity, protocol and port", () => {
  const sorted: MapStateKey[] = [
    key(0, 6, 80, 16),
    key(0, 17, 53, 16),
    key(256, 6, 0, 0),
    key(256, 6, 80, 12),
    key(256, 6, 80, 16),
    { ...key(0, 0, 0, 0), direction: "egress" },
  ];
  assertEquals([...sorted].reverse().sort(compareEntries), sorted);
});
