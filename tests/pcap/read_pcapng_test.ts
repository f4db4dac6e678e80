import { assertEquals, assertThrows } from "@std/assert";
import { CaptureError } from "../../src/pcap/capture_error.ts";
import { readCapture } from "../../src/pcap/capture.ts";
import { type Option, Pcapng, text } from "./_captures.ts";

function tsresol(value: number): Option {
  return { code: 9, value: Uint8Array.of(value) };
}

function tsoffset(seconds: bigint): Option {
  const value = new Uint8Array(8);
  new DataView(value.buffer).setBigInt64(0, seconds, true);
  return { code: 14, value };
}

for (const littleEndian of [true, false]) {
  const order = littleEndian ? "little" : "big";
  Deno.test(`readCapture() reads every kind of packet block of pcapng, ${order} endian`, () => {
    const file = new Pcapng(littleEndian).section().interface(1)
      .enhanced(text("first"), { time: 0x1_0000_0007n, original: 50 })
      .simple(text("two"))
      .obsolete(text("three"), { time: 3n })
      .take();
    assertEquals([...readCapture(file, "x.pcapng")], [
      {
        number: 1,
        linkType: 1,
        time: 0x1_0000_0007n * 1000n,
        data: text("first"),
        originalLength: 50,
      },
      { number: 2, linkType: 1, time: undefined, data: text("two"), originalLength: 3 },
      { number: 3, linkType: 1, time: 3000n, data: text("three"), originalLength: 5 },
    ]);
  });
}

Deno.test("readCapture() numbers interfaces anew in each section, in its own byte order", () => {
  const second = new Pcapng(false).section().interface(101).enhanced(text("b")).take();
  const file = new Pcapng().section().interface(1).interface(113)
    .enhanced(text("a"), { device: 1 }).raw(second).take();
  const packets = [...readCapture(file, "x.pcapng")];
  assertEquals(packets.map(({ number, linkType }) => [number, linkType]), [[1, 113], [2, 101]]);
});

Deno.test("readCapture() skips blocks that hold no packets", () => {
  const file = new Pcapng().section().block(4, text("name")).interface().block(5, text("stat"))
    .block(0x80000bad, text("own ")).enhanced(text("a")).take();
  assertEquals([...readCapture(file, "x.pcapng")].map(({ number }) => number), [1]);
});

Deno.test("readCapture() cuts simple packets off at the interface's longest", () => {
  const file = new Pcapng().section().interface(1, 2).simple(text("ab"), 9).take();
  const [packet] = readCapture(file, "x.pcapng");
  assertEquals([packet?.data, packet?.originalLength], [text("ab"), 9]);
});

for (
  const [about, options, ticks, nanoseconds] of [
    ["microseconds where it tells nothing", [], 5n, 5000n],
    ["nanoseconds", [tsresol(9)], 5n, 5n],
    ["seconds", [tsresol(0)], 5n, 5_000_000_000n],
    ["powers of two", [tsresol(0x80 | 1)], 3n, 1_500_000_000n],
    ["an offset", [tsresol(9), tsoffset(10n)], 5n, 10_000_000_005n],
    ["units finer than any clock", [tsresol(127)], 5n, 0n],
    [
      "an option of the wrong length as if it were not there",
      [
        { code: 9, value: text("ab") },
      ],
      5n,
      5000n,
    ],
  ] as const satisfies readonly (readonly [string, readonly Option[], bigint, bigint])[]
) {
  Deno.test(`readCapture() reads times of pcapng in ${about}`, () => {
    const file = new Pcapng().section().interface(1, 0, options)
      .enhanced(text("a"), { time: ticks }).take();
    assertEquals([...readCapture(file, "x.pcapng")].map(({ time }) => time), [nanoseconds]);
  });
}

const started = () => new Pcapng().section();

for (
  const [about, file, message] of [
    [
      "half a block",
      started().raw(text("12345")).take(),
      "block 2: cut off after 5 bytes, expected at least 12",
    ],
    [
      "a section header cut off",
      started().take().subarray(0, 20),
      "block 1: cut off after 20 bytes, expected a section header",
    ],
    [
      "a byte order of its own",
      new Pcapng().section({ magic: 0x12345678 }).take(),
      "block 1: a section with byte order 0x78563412, expected 0x1a2b3c4d in either order",
    ],
    [
      "version 2",
      new Pcapng().section({ version: [2, 0] }).take(),
      "block 1: pcapng version 2.0, expected 1.0",
    ],
    [
      "a block of no length",
      started().block(1, text("abcdefgh"), { length: 0 }).take(),
      "block 2: 0 bytes long, expected a multiple of 4 from 12 to 16777216",
    ],
    [
      "a block of odd length",
      started().block(1, text("abcdefgh"), { length: 17 }).take(),
      "block 2: 17 bytes long, expected a multiple of 4 from 12 to 16777216",
    ],
    [
      "a block longer than any",
      started().block(1, text("abcdefgh"), { length: 0xfffffffc }).take(),
      "block 2: 4294967292 bytes long, expected a multiple of 4 from 12 to 16777216",
    ],
    [
      "a block longer than the file",
      started().block(1, text("abcdefgh"), { length: 400 }).take(),
      "block 2: cut off after 20 bytes, expected 400",
    ],
    [
      "two lengths of a block that differ",
      started().block(1, text("abcdefgh"), { again: 24 }).take(),
      "block 2: ends with length 24, expected 20 again",
    ],
    [
      "an interface without its fields",
      started().block(1, text("abcd")).take(),
      "block 2: 4 bytes in it, expected 8 of an interface",
    ],
    [
      "a packet without its fields",
      started().interface().block(6, text("abcd")).take(),
      "block 3: 4 bytes in it, expected 20 of a packet",
    ],
    [
      "an option longer than its block",
      started().interface(1, 0, [{ code: 2, value: text("abcd"), length: 99 }]).take(),
      "block 2: option 2 of 99 bytes, expected at most 8",
    ],
    [
      "an option without room for its value",
      started().block(1, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0)).take(),
      "block 2: option 2 of 1 bytes, expected at most 0",
    ],
    [
      "a packet without an interface",
      started().enhanced(text("a")).take(),
      "block 2: packet 1 of interface 0, expected an interface before it",
    ],
    [
      "a packet of an interface that is not there",
      started().interface().enhanced(text("a"), { device: 7 }).take(),
      "block 3: packet 1 of interface 7, expected at most 0",
    ],
    [
      "a packet longer than its block",
      started().interface().enhanced(text("abcd"), { captured: 5 }).take(),
      "block 3: packet 1 has 5 bytes, expected at most 4",
    ],
    [
      "a packet longer than any",
      started().interface().enhanced(text("abcd"), { captured: 0xffffffff }).take(),
      "block 3: packet 1 has 4294967295 bytes, expected at most 4",
    ],
  ] as const
) {
  Deno.test(`readCapture() refuses ${about} in pcapng`, () => {
    assertThrows(
      () => [...readCapture(file, "x.pcapng")],
      CaptureError,
      `Cannot read "x.pcapng": ${message}`,
    );
  });
}
