import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  Attributes,
  MessageBuilder,
  NetlinkFormatError,
  parseMessages,
  parsePayload,
} from "../../../src/ebpf-ts-loader/netlink/message.ts";

const HEADER = { type: 16, flags: 5, sequence: 9 };

Deno.test("MessageBuilder writes header, fixed part and padded attributes", () => {
  const bytes = new MessageBuilder(Uint8Array.of(1, 2, 3, 4)).string(3, "a").u32(4, 0x01020304)
    .build(HEADER);
  assertEquals(
    [...bytes],
    [
      ...[36, 0, 0, 0, 16, 0, 5, 0, 9, 0, 0, 0, 0, 0, 0, 0],
      ...[1, 2, 3, 4],
      ...[6, 0, 3, 0, 0x61, 0, 0, 0],
      ...[8, 0, 4, 0, 4, 3, 2, 1],
    ],
  );
});

Deno.test("parsePayload() reads what MessageBuilder wrote, nested and of any size", () => {
  const value = fc.uint8Array({ maxLength: 600 });
  const attributes = fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 0x3fff }), value), {
    selector: ([type]) => type,
    maxLength: 8,
  });
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), attributes, (fixed, list) => {
    const builder = new MessageBuilder(fixed);
    for (const [type, bytes] of list) builder.attribute(type, bytes);
    builder.nested(0, (inner) => {
      for (const [type, bytes] of list) inner.attribute(type, bytes);
    });
    const [message, ...others] = parseMessages(builder.build(HEADER));
    assertEquals(others, []);
    assertEquals([message?.type, message?.flags, message?.sequence], [16, 5, 9]);
    const parsed = parsePayload(message?.payload ?? new Uint8Array(), fixed.length);
    const read = (from: Attributes) => list.map(([type]) => from.bytes(type)?.slice());
    assertEquals(read(parsed.attributes), list.map(([, bytes]) => bytes));
    assertEquals(read(parsed.attributes.nested(0)), list.map(([, bytes]) => bytes));
  }));
});

Deno.test("MessageBuilder refuses what does not fit a u16 length", () => {
  const builder = () => new MessageBuilder(new Uint8Array());
  assertThrows(() => builder().attribute(1, new Uint8Array(65532)), RangeError, "65531");
  assertThrows(
    () => builder().nested(1, (inner) => inner.attribute(2, new Uint8Array(65531))),
    RangeError,
    "65535",
  );
});

Deno.test("parseMessages() and Attributes end on any bytes, at once or with an error", () => {
  const parse = (bytes: Uint8Array) => {
    for (const message of parseMessages(bytes)) {
      const { attributes } = parsePayload(message.payload, 16);
      attributes.string(1);
      attributes.u32(2);
      attributes.address(3);
      attributes.nested(4).bytes(1);
    }
  };
  const expectFormatError = (bytes: Uint8Array) => {
    try {
      parse(bytes);
    } catch (error) {
      if (!(error instanceof NetlinkFormatError)) throw error;
    }
  };
  const whole = new MessageBuilder(new Uint8Array(16)).string(1, "eth0").u32(2, 1)
    .attribute(3, new Uint8Array(16)).nested(4, (inner) => inner.u32(1, 1)).build(HEADER);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 128 }), expectFormatError), { numRuns: 500 });
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, value) => {
      const damaged = whole.slice();
      damaged[at] = value;
      expectFormatError(damaged);
    }),
    { numRuns: 1000 },
  );
  parse(whole);
  for (let length = 1; length < whole.length; length++) {
    assertThrows(() => parse(whole.subarray(0, length)), NetlinkFormatError, "Cannot read netlink");
  }
});

Deno.test("parseMessages() names the length that is wrong", () => {
  const bytes = new MessageBuilder(new Uint8Array(4)).build(HEADER);
  bytes[0] = 15;
  assertThrows(
    () => parseMessages(bytes),
    NetlinkFormatError,
    'Cannot read netlink message "0": length 15, expected 16 to 20',
  );
  bytes[0] = 24;
  assertThrows(() => parseMessages(bytes), NetlinkFormatError, "length 24");
});

Deno.test("Attributes checks the size of what it converts", () => {
  const attributes = new Attributes(Uint8Array.of(6, 0, 1, 0, 1, 2, 0, 0));
  assertThrows(() => attributes.u32(1), NetlinkFormatError, "2 bytes, expected 4");
  assertThrows(() => attributes.address(1), NetlinkFormatError, "an address of 4 or 16");
  assertEquals(attributes.u32(2), undefined);
});
