import { assertEquals, assertThrows } from "@std/assert";
import {
  type Collection,
  kernelFeatures,
  loadCollection,
  MapType,
  UserRingBuffer,
} from "ebpf-ts-loader";
import { fixture } from "../fixtures.ts";
import { kernelTest, packet } from "../kernel.ts";

const missing = kernelFeatures.mapType(MapType.USER_RINGBUF) === "no"
  ? "no USER_RINGBUF"
  : undefined;
const load = () => loadCollection(fixture("readers.bpf.o"), { only: ["drain"] });
const command = (value: bigint) => new Uint8Array(BigUint64Array.of(value).buffer);

/** Lets the program read; returns how many records it found. */
function drain(collection: Collection): number {
  return collection.program("drain").testRun({ data: packet() }).returnValue;
}

function sum(collection: Collection): bigint {
  const view = new DataView(collection.map(".bss").lookup(0)?.buffer ?? new ArrayBuffer(16));
  return view.getBigUint64(0, true) + view.getBigUint64(8, true); // the other one stays 0
}

kernelTest("UserRingBuffer.write() gives records to a program, round after round", () => {
  using collection = load();
  using ring = new UserRingBuffer(collection.map("commands"));
  let expected = 0n;
  for (let round = 0n; round < 40n; round++) {
    for (let value = 0n; value < 37n; value++) {
      assertEquals(ring.write(command(round * value)), true);
      expected += round * value;
    }
    assertEquals(ring.pending, 37 * 16);
    assertEquals([drain(collection), ring.pending], [37, 0]);
  }
  assertEquals(sum(collection), expected);
}, { unless: missing });

kernelTest("UserRingBuffer.write() refuses what does not fit", () => {
  using collection = load();
  using ring = new UserRingBuffer(collection.map("commands"));
  let written = 0;
  while (ring.write(command(1n))) written++;
  assertEquals([written, ring.pending], [256, 4096]);
  assertEquals([drain(collection), ring.write(command(1n))], [256, true]);
  assertEquals(drain(collection), 1);
  const large = new Uint8Array(4088);
  large[0] = 5;
  assertEquals([ring.write(large), drain(collection), sum(collection)], [true, 1, 257n + 5n]);
  assertThrows(() => ring.write(new Uint8Array(4089)), RangeError, "expected at most 4088");
}, { unless: missing });

kernelTest("UserRingBuffer refuses other maps and use after disposal", () => {
  using collection = loadCollection(fixture("readers.bpf.o"), { only: ["perf", "commands"] });
  assertThrows(
    () => new UserRingBuffer(collection.map("perf")),
    TypeError,
    "PERF_EVENT_ARRAY, expected USER_RINGBUF",
  );
  const ring = new UserRingBuffer(collection.map("commands"));
  ring[Symbol.dispose]();
  assertThrows(() => ring.write(command(1n)), TypeError, "disposed");
}, { unless: missing });
