import { assertEquals, assertThrows } from "@std/assert";
import { RecordWriter } from "../../bench/map_state.ts";
import {
  DIRECTION_EGRESS,
  MAP_STATE_ENTRY_COOKIE_OFF,
  MAP_STATE_ENTRY_DIRECTION_OFF,
  MAP_STATE_ENTRY_IDENTITY_OFF,
  MAP_STATE_ENTRY_PORT_OFF,
  MAP_STATE_ENTRY_PORT_PREFIX_OFF,
  MAP_STATE_ENTRY_PRECEDENCE_OFF,
  MAP_STATE_ENTRY_PROTOCOL_OFF,
  MAP_STATE_ENTRY_SLOT_OFF,
  MAP_STATE_ENTRY_VERDICT_OFF,
  VERDICT_ALLOW,
  VERDICT_DENY,
} from "../../src/datapath/layout.ts";
import { PROTOCOL } from "../../src/policy/map_state.ts";

const DENY_8080 = {
  protocol: PROTOCOL.TCP,
  port: 8080,
  portPrefix: 12,
  verdict: VERDICT_DENY,
  precedence: 0xFFFFFFFF,
  cookie: 0x12345678,
};

const ALLOW_ALL = {
  protocol: PROTOCOL.ANY,
  port: 0,
  portPrefix: 0,
  verdict: VERDICT_ALLOW,
  precedence: 0xFFFFFF01,
  cookie: 5,
};

Deno.test("RecordWriter writes struct map_state_entry", () => {
  const words = new Uint32Array(8);
  new RecordWriter(words).add(0x01000002, 0x8001, DIRECTION_EGRESS, DENY_8080);

  const view = new DataView(words.buffer);
  assertEquals({
    identity: view.getUint32(MAP_STATE_ENTRY_IDENTITY_OFF, true),
    slot: view.getUint32(MAP_STATE_ENTRY_SLOT_OFF, true),
    port: view.getUint16(MAP_STATE_ENTRY_PORT_OFF, true),
    portPrefix: view.getUint8(MAP_STATE_ENTRY_PORT_PREFIX_OFF),
    protocol: view.getUint8(MAP_STATE_ENTRY_PROTOCOL_OFF),
    direction: view.getUint8(MAP_STATE_ENTRY_DIRECTION_OFF),
    verdict: view.getUint8(MAP_STATE_ENTRY_VERDICT_OFF),
    precedence: view.getUint32(MAP_STATE_ENTRY_PRECEDENCE_OFF, true),
    cookie: view.getUint32(MAP_STATE_ENTRY_COOKIE_OFF, true),
  }, { identity: 0x01000002, slot: 0x8001, direction: DIRECTION_EGRESS, ...DENY_8080 });
});

Deno.test("RecordWriter refuses a record that has no room", () => {
  const writer = new RecordWriter(new Uint32Array(8));
  writer.add(1, 1, 0, ALLOW_ALL);
  assertThrows(
    () => writer.add(2, 2, 0, ALLOW_ALL),
    RangeError,
    'Cannot add record "1": memory is full, expected at most 1 records',
  );
});
