import { assertEquals } from "@std/assert";
import { readCapture } from "../../src/pcap/capture.ts";
import { pcapOf } from "../../src/pcap/write_pcap.ts";

Deno.test("pcapOf() writes nanosecond records behind the file header", () => {
  const file = pcapOf([{ data: Uint8Array.of(1, 2, 3), now: 5_000_000_007n }]);
  const view = new DataView(file.buffer);
  assertEquals(file.length, 24 + 16 + 3);
  assertEquals(view.getUint32(0, true), 0xa1b23c4d);
  assertEquals([24, 28, 32, 36].map((at) => view.getUint32(at, true)), [5, 7, 3, 3]);
  assertEquals(file.subarray(40), Uint8Array.of(1, 2, 3));
});

Deno.test("pcapOf() writes what readCapture() reads", () => {
  const packets = [
    { data: Uint8Array.of(1, 2, 3), now: 5_000_000_007n },
    { data: new Uint8Array(), now: 6n },
  ];
  const read = [...readCapture(pcapOf(packets), "x.pcap")];
  assertEquals(read.map(({ data, time }) => ({ data, now: time })), packets);
});
