import { assertEquals, assertThrows } from "@std/assert";
import { CaptureError } from "../../src/pcap/capture_error.ts";
import { readCapture } from "../../src/pcap/capture.ts";
import { pcapFile, type PcapOptions, text } from "./_captures.ts";

const RECORDS = [
  { seconds: 5, ticks: 7, data: text("one") },
  { seconds: 6, ticks: 8, data: text("three"), original: 900 },
];

for (
  const [about, options, ticksAre] of [
    ["microseconds, little endian", { littleEndian: true, magic: 0xa1b2c3d4 }, 1000n],
    ["microseconds, big endian", { littleEndian: false, magic: 0xa1b2c3d4 }, 1000n],
    ["nanoseconds, little endian", { littleEndian: true, magic: 0xa1b23c4d }, 1n],
    ["nanoseconds, big endian", { littleEndian: false, magic: 0xa1b23c4d }, 1n],
  ] as const satisfies readonly (readonly [string, PcapOptions, bigint])[]
) {
  Deno.test(`readCapture() reads pcap in ${about}`, () => {
    assertEquals([...readCapture(pcapFile(RECORDS, options), "x.pcap")], [
      {
        number: 1,
        linkType: 1,
        time: 5_000_000_000n + 7n * ticksAre,
        data: text("one"),
        originalLength: 3,
      },
      {
        number: 2,
        linkType: 1,
        time: 6_000_000_000n + 8n * ticksAre,
        data: text("three"),
        originalLength: 900,
      },
    ]);
  });
}

Deno.test("readCapture() takes a pcap without packets for what it is", () => {
  assertEquals([...readCapture(pcapFile([]), "x.pcap")], []);
});

Deno.test("readCapture() reads pcap that lies in the middle of a buffer", () => {
  const file = pcapFile(RECORDS);
  const buffer = new Uint8Array(file.length + 7);
  buffer.set(file, 5);
  const view = buffer.subarray(5, 5 + file.length);
  assertEquals([...readCapture(view, "x.pcap")].map(({ data }) => data.length), [3, 5]);
});

Deno.test("readCapture() leaves the bits of the frame check sequence out of the link type", () => {
  const [packet] = readCapture(pcapFile(RECORDS, { linkType: 0x24000001 }), "x.pcap");
  assertEquals(packet?.linkType, 1);
});

Deno.test("readCapture() reads the lengths of a pcap of version 2.2 in their old order", () => {
  const records = [{ data: text("abc"), captured: 60, original: 3 }];
  const [packet] = readCapture(pcapFile(records, { version: [2, 2] }), "x.pcap");
  assertEquals(packet?.data, text("abc"));
  assertEquals(packet?.originalLength, 60);
});

Deno.test("readCapture() takes a packet for at least as long as what was captured of it", () => {
  const [packet] = readCapture(pcapFile([{ data: text("abc"), original: 1 }]), "x.pcap");
  assertEquals(packet?.originalLength, 3);
});

for (
  const [about, file, message] of [
    ["no bytes at all", new Uint8Array(), "empty, expected pcap or pcapng"],
    ["three bytes", text("abc"), "3 bytes, expected pcap or pcapng"],
    ["a text", text("hello world"), "begins with 0x68656c6c6f20776f, expected pcap or pcapng"],
    [
      "gzip",
      Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3),
      "compressed by gzip, expected pcap or pcapng",
    ],
    [
      "a file header cut off",
      pcapFile([]).subarray(0, 23),
      "23 bytes, expected a file header of 24 bytes",
    ],
    ["version 3", pcapFile([], { version: [3, 0] }), "pcap version 3.0, expected 2.4"],
    [
      "a record header cut off",
      pcapFile([{ data: text("abc") }]).subarray(0, 39),
      "packet 1 is cut off after 15 bytes of its header, expected 16 bytes",
    ],
    [
      "packet bytes cut off",
      pcapFile([{ data: text("abc"), captured: 4 }]),
      "packet 1 is cut off after 3 bytes, expected 4 bytes",
    ],
    [
      "a packet longer than any",
      pcapFile([{ data: text("abc"), captured: 0xffffffff }]),
      "packet 1 has 4294967295 bytes, expected at most 262144",
    ],
  ] as const
) {
  Deno.test(`readCapture() refuses ${about}`, () => {
    assertThrows(
      () => [...readCapture(file, "x.pcap")],
      CaptureError,
      `Cannot read "x.pcap": ${message}`,
    );
  });
}

Deno.test("readCapture() gives the packets before the damage", () => {
  const file = pcapFile([...RECORDS, { data: text("abc"), captured: 99 }]);
  const seen: number[] = [];
  assertThrows(() => {
    for (const { number } of readCapture(file, "x.pcap")) seen.push(number);
  }, CaptureError);
  assertEquals(seen, [1, 2]);
});
