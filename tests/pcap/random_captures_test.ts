import { assert } from "@std/assert";
import fc from "fast-check";
import { CaptureError } from "../../src/pcap/capture_error.ts";
import { readCapture } from "../../src/pcap/capture.ts";
import { pcapFile, Pcapng, text } from "./_captures.ts";

const seed = Number(Deno.env.get("TWINPATH_SEED") ?? Math.floor(Math.random() * 2 ** 31));
const numRuns = Number(Deno.env.get("TWINPATH_CASES") ?? 2000);

const WELL_FORMED = [
  pcapFile([{ data: text("one") }, { data: text("three") }]),
  pcapFile([{ data: text("one") }], { littleEndian: false }),
  new Pcapng().section().interface(1, 0, [{ code: 9, value: Uint8Array.of(9) }])
    .enhanced(text("a")).simple(text("bc")).obsolete(text("def")).take(),
  new Pcapng(false).section().interface().enhanced(text("abcd")).take(),
];

/** Reads what can be read; whatever the bytes are, nothing but a CaptureError comes of them. */
function mustEnd(file: Uint8Array): void {
  let bytes = 0;
  let last = 0;
  try {
    for (const { number, data, originalLength } of readCapture(file, "random")) {
      assert(number === last + 1);
      assert(originalLength >= data.length);
      last = number;
      bytes += data.length;
    }
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    assert(/^Cannot read "random": .+, expected .+$/.test(error.message), error.message);
  }
  assert(bytes <= file.length);
}

Deno.test(`readCapture() ends on any bytes behind a header, seed ${seed}`, () => {
  const beginning = fc.constantFrom(...WELL_FORMED)
    .chain((file) => fc.nat(file.length).map((length) => file.subarray(0, length)));
  fc.assert(
    fc.property(beginning, fc.uint8Array({ maxLength: 200 }), (head, tail) => {
      mustEnd(Uint8Array.from([...head, ...tail]));
    }),
    { seed, numRuns },
  );
});

Deno.test(`readCapture() ends on files with bytes changed, seed ${seed}`, () => {
  const edits = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.constantFrom(...WELL_FORMED), edits, (original, changes) => {
      const file = original.slice();
      for (const [at, byte] of changes) file[at % file.length] = byte;
      mustEnd(file);
    }),
    { seed, numRuns },
  );
});
