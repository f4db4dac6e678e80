import { assert, assertEquals, assertThrows } from "@std/assert";
import { internetChecksum } from "../../src/datapath/internet_checksum.ts";
import {
  DROP_MISSED_TAIL_CALL,
  DROP_POLICY,
  EVENT_AUDITED,
  EVENT_COOKIE_OFF,
  EVENT_CT_STATE_OFF,
  EVENT_DST_IDENTITY_OFF,
  EVENT_ENDPOINT_OFF,
  EVENT_FLAGS_OFF,
  EVENT_LENGTH_OFF,
  EVENT_MATCH_TYPE_OFF,
  EVENT_POLICY_VERDICT,
  EVENT_REVISION_OFF,
  EVENT_SIZE,
  EVENT_SRC_IDENTITY_OFF,
  EVENT_TIMESTAMP_OFF,
  EVENT_TYPE_OFF,
  METRICS_VALUE_SIZE,
  PACKET_REDIRECT,
  PACKET_SHOT,
  REASON_AUDITED,
} from "../../src/datapath/layout.ts";
import { batch, emulator, memory, packetsCounted, reasons, run, SECOND } from "./_emulator.ts";
import {
  AUDITED,
  CLIENT,
  CLIENT_IDENTITY,
  COOKIE,
  ip4,
  ip6,
  ipv4,
  NODE,
  SERVER,
  SERVER_IDENTITY,
} from "./_node.ts";
import { ROWS } from "./_packet_rows.ts";
import { WEB } from "./_row.ts";

for (const { description, packet, fields, out, packetOut, events } of ROWS) {
  Deno.test(`Emulator: ${description}`, () => {
    emulator.load(NODE);
    const data = packetOut ?? (packet instanceof Uint8Array ? packet : packet.build());
    assertEquals(run(packet, fields), { ...out, data });
    assertEquals(reasons(), events);
  });
}

Deno.test("Emulator keeps the IPv4 checksum right when it forwards", () => {
  emulator.load(NODE);
  for (let id = 0; id < 65536; id += 97) {
    const packet = ip4(CLIENT, SERVER).tcp(WEB).build();
    packet.set([id >> 8, id & 0xFF], 18);
    packet.set([0, 0], 24);
    const checksum = internetChecksum(packet.subarray(14, 34));
    packet.set([checksum >> 8, checksum & 0xFF], 24);
    assertEquals(internetChecksum(run(packet).data.subarray(14, 34)) & 0xFFFF, 0);
  }
});

Deno.test("Emulator fills in every field of an event", () => {
  emulator.load(NODE);
  const packet = ip4(CLIENT, SERVER).tcp(WEB).build();
  run(packet, { now: 7n * SECOND + 5n });
  const { bytes, lost } = emulator.drainEvents();
  assertEquals([bytes.length, lost], [2 * EVENT_SIZE, 0]);
  const view = new DataView(bytes.buffer, EVENT_SIZE);
  assertEquals(view.getUint8(EVENT_TYPE_OFF), 9);
  assertEquals(view.getUint8(EVENT_MATCH_TYPE_OFF), 2);
  assertEquals(view.getUint8(EVENT_CT_STATE_OFF), 0);
  assertEquals(view.getUint16(EVENT_ENDPOINT_OFF, true), SERVER);
  assertEquals(view.getBigUint64(EVENT_TIMESTAMP_OFF, true), 7n * SECOND + 5n);
  assertEquals(view.getUint32(EVENT_SRC_IDENTITY_OFF, true), CLIENT_IDENTITY);
  assertEquals(view.getUint32(EVENT_DST_IDENTITY_OFF, true), SERVER_IDENTITY);
  assertEquals(view.getUint32(EVENT_COOKIE_OFF, true), COOKIE.web);
  assertEquals(view.getUint32(EVENT_REVISION_OFF, true), 22);
  assertEquals(view.getUint32(EVENT_LENGTH_OFF, true), packet.length);
});

Deno.test("Emulator marks the event of a packet that only audit mode lets pass", () => {
  emulator.load(NODE);
  run(ip4(CLIENT, AUDITED).tcp({ source: 4000, destination: 81 }));
  const { bytes } = emulator.drainEvents();
  const flags = (event: number) => bytes[event * EVENT_SIZE + EVENT_FLAGS_OFF];
  assertEquals([flags(0), flags(1)], [0, EVENT_AUDITED]);
  assertEquals(bytes[EVENT_SIZE + EVENT_TYPE_OFF], EVENT_POLICY_VERDICT);
  assertEquals(packetsCounted(REASON_AUDITED, 0), 1n);
  assertEquals(packetsCounted(DROP_POLICY, 0), 0n);
});

Deno.test("Emulator counts packets and bytes by reason and direction", () => {
  emulator.load(NODE);
  const packet = ip4(CLIENT, SERVER).tcp({ source: 4000, destination: 81 });
  run(packet);
  run(packet);
  assertEquals(packetsCounted(0, 1), 2n);
  assertEquals(packetsCounted(DROP_POLICY, 0), 2n);
  const metrics = new DataView(emulator.metrics().buffer);
  const bytes = metrics.getBigUint64((DROP_POLICY << 1) * METRICS_VALUE_SIZE + 8, true);
  assertEquals(bytes, 2n * BigInt(packet.build().length));
});

Deno.test("Emulator drops what reaches an endpoint without programs", () => {
  emulator.load(NODE);
  // The map of endpoints names endpoint 9, which has no programs on this node.
  const { exports } = memory.wasm;
  memory.bytes(exports.addressStaging(), 16).set([...ipv4(77), ...new Array(12).fill(0)]);
  exports.upsertLocalEndpoint(4, 9, 19, 400, 0, 0, 0, 0);
  assertEquals(run(ip4(CLIENT, 77).tcp(WEB)).verdict, PACKET_SHOT);
  assertEquals(reasons(), [0, DROP_MISSED_TAIL_CALL]);
  assertEquals(packetsCounted(DROP_MISSED_TAIL_CALL, 0), 1n);
});

Deno.test("Emulator raises the events that the state asks for", () => {
  emulator.load({ ...NODE, events: ["drop"] });
  run(ip4(CLIENT, SERVER).tcp(WEB));
  assertEquals(reasons(), []);
  run(ip4(CLIENT, SERVER).tcp({ source: 4000, destination: 81 }));
  assertEquals(reasons(), [DROP_POLICY]);
  emulator.load({ ...NODE, events: [] });
  run(ip4(CLIENT, SERVER).tcp({ source: 4000, destination: 81 }));
  assertEquals(reasons(), []);
});

Deno.test("Emulator leaves the input alone when the output is another batch", () => {
  emulator.load(NODE);
  const output = memory.packetBatch(1);
  batch.clear();
  batch.add({
    endpoint: CLIENT,
    hook: "from_container",
    data: ip4(CLIENT, SERVER).tcp(WEB).build(),
  });
  const before = batch.bytes.slice();
  emulator.run(batch, output);
  assertEquals(batch.bytes, before);
  assertEquals(output.verdict(0), PACKET_REDIRECT);
  batch.add({ endpoint: CLIENT, hook: "from_container", data: new Uint8Array(14) });
  assertThrows(() => emulator.run(batch, output), RangeError, "output has room for 1");
});

Deno.test("Emulator reads no byte behind a packet that is cut off", () => {
  emulator.load(NODE);
  const packets = [
    ip4(CLIENT, SERVER).tcp(WEB),
    ip4(CLIENT, SERVER).icmp({ type: 8, id: 1 }),
    ip6(CLIENT, SERVER).udp(WEB),
    ip6(CLIENT, SERVER).icmpv6({ type: 135 }),
  ];
  for (const packet of packets) {
    const whole = packet.build();
    for (let length = 14; length < whole.length; length++) {
      // The same answer whatever lies behind the packet: nothing of it is read.
      const answers = [0x00, 0xFF].map((rest) => {
        emulator.clearConntrack();
        batch.clear();
        batch.add({ endpoint: CLIENT, hook: "from_container", data: whole.subarray(0, length) });
        batch.bytes.fill(rest, 32 + length);
        emulator.run(batch, batch);
        return [batch.output(0), emulator.drainEvents().bytes];
      });
      assertEquals(answers[0], answers[1], `${length} bytes`);
    }
  }
});

Deno.test("Emulator keeps the state of before when a new one is refused", () => {
  emulator.load(NODE);
  const tooMany = { ...NODE, endpoints: [{ ...NODE.endpoints[0]!, id: 4096 }] };
  assertThrows(() => emulator.load(tooMany), RangeError, "id out of range, expected 1 to 4095");
  assertEquals(run(ip4(CLIENT, SERVER).tcp(WEB)).verdict, PACKET_REDIRECT);
  assert(emulator.conntrack().keys4.length > 0);
});
