import { assertEquals, assertThrows } from "@std/assert";
import { parseIpAddress } from "../../src/cluster/ip_address.ts";
import {
  EVENT_COOKIE_OFF,
  EVENT_DADDR_OFF,
  EVENT_DIRECTION_OFF,
  EVENT_DPORT_OFF,
  EVENT_ENDPOINT_OFF,
  EVENT_FAMILY_OFF,
  EVENT_PROTOCOL_OFF,
  EVENT_REASON_OFF,
  EVENT_SADDR_OFF,
  EVENT_SIZE,
  EVENT_SPORT_OFF,
  EVENT_TYPE_OFF,
} from "../../src/datapath/layout.ts";
import { decodeEvent, decodeEvents, tupleKey } from "../../src/demo/event.ts";

function dropBytes(): Uint8Array {
  const bytes = new Uint8Array(EVENT_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint8(EVENT_TYPE_OFF, 1);
  view.setUint8(EVENT_REASON_OFF, 133);
  view.setUint8(EVENT_DIRECTION_OFF, 1);
  view.setUint16(EVENT_ENDPOINT_OFF, 3, true);
  view.setUint32(EVENT_COOKIE_OFF, 0xfffffffe, true);
  view.setUint8(EVENT_FAMILY_OFF, 4);
  view.setUint8(EVENT_PROTOCOL_OFF, 6);
  view.setUint16(EVENT_SPORT_OFF, 40000);
  view.setUint16(EVENT_DPORT_OFF, 80);
  bytes.set([10, 1, 0, 12], EVENT_SADDR_OFF);
  bytes.set([10, 1, 0, 10], EVENT_DADDR_OFF);
  return bytes;
}

const DROP = {
  type: "drop",
  reason: 133,
  direction: "egress",
  endpoint: 3,
  cookie: 0xfffffffe,
  flow: {
    source: parseIpAddress("10.1.0.12"),
    destination: parseIpAddress("10.1.0.10"),
    protocol: 6,
    sport: 40000,
    dport: 80,
  },
} as const;

Deno.test("decodeEvent() reads the layout of struct event", () => {
  assertEquals(decodeEvent(dropBytes()), DROP);
  assertEquals(tupleKey(DROP.flow), "6 10.1.0.12 40000 10.1.0.10 80");
});

Deno.test("decodeEvent() takes a packet without an IP header", () => {
  const bytes = dropBytes();
  bytes[EVENT_FAMILY_OFF] = 0;
  assertEquals(decodeEvent(bytes).flow, undefined);
});

Deno.test("decodeEvents() reads events that stand back to back, at any offset", () => {
  const bytes = new Uint8Array(3 + 2 * EVENT_SIZE);
  bytes.set(dropBytes(), 3);
  bytes.set(dropBytes(), 3 + EVENT_SIZE);
  assertEquals(decodeEvents(bytes.subarray(3)), [DROP, DROP]);
});

Deno.test("decodeEvent() refuses what is not one event of a known type", () => {
  const unknown = dropBytes();
  unknown[EVENT_TYPE_OFF] = 77;
  assertThrows(() => decodeEvent(unknown), RangeError, "of type 77");
  assertThrows(() => decodeEvent(dropBytes().subarray(1)), RangeError, "79 bytes");
  assertThrows(() => decodeEvents(dropBytes().subarray(0, 5)), RangeError, "5 bytes");
});
