import { assertEquals } from "@std/assert";
import { newPacket } from "../../src/datapath/packet_builder.ts";
import { PACKET_DATA_BYTES } from "../../src/datapath/layout.ts";
import { fitFrame } from "../../src/replay/fit_frame.ts";

const A = { source: Uint8Array.of(10, 0, 0, 1), destination: Uint8Array.of(10, 0, 0, 2) };
const B = { source: new Uint8Array(16).fill(1), destination: new Uint8Array(16).fill(2) };
const PORTS = { source: 1, destination: 2 };

function udp4(payload: number): Uint8Array {
  return newPacket().eth().ipv4(A).udp(PORTS).payload(new Uint8Array(payload)).build();
}

function udp6(payload: number): Uint8Array {
  return newPacket().eth().ipv6(B).udp(PORTS).payload(new Uint8Array(payload)).build();
}

function uint16(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint16(at);
}

Deno.test("fitFrame() leaves a frame that fits as it is", () => {
  const frame = udp4(10);
  assertEquals(fitFrame(frame, frame.length), { data: frame, shortened: false });
});

Deno.test("fitFrame() cuts a long frame, and its IPv4 length with it", () => {
  const frame = udp4(1000);
  const { data, shortened } = fitFrame(frame, frame.length);
  assertEquals([data.length, shortened], [PACKET_DATA_BYTES, true]);
  assertEquals(uint16(data, 16), PACKET_DATA_BYTES - 14);
  assertEquals(uint16(frame, 16), frame.length - 14);
});

Deno.test("fitFrame() cuts a long frame, and its IPv6 length with it", () => {
  const frame = udp6(1000);
  const { data } = fitFrame(frame, frame.length);
  assertEquals(uint16(data, 18), PACKET_DATA_BYTES - 54);
});

Deno.test("fitFrame() tells a length that was true on the wire from one that lied there", () => {
  const frame = udp4(100);
  const captured = frame.subarray(0, 60);
  assertEquals(uint16(fitFrame(captured, frame.length).data, 16), 46);
  assertEquals(uint16(fitFrame(captured, frame.length - 1).data, 16), frame.length - 14);
});

Deno.test("fitFrame() leaves lengths alone that fit into what is left, or are not there", () => {
  const padded = new Uint8Array(500);
  padded.set(udp4(10));
  assertEquals(uint16(fitFrame(padded, 500).data, 16), 38);
  const stub = udp4(10).subarray(0, 20);
  assertEquals(fitFrame(stub, 52).data, stub);
});
