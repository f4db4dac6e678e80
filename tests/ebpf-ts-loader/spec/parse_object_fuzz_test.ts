import { assert } from "@std/assert";
import fc from "fast-check";
import { Btf, NotSupportedError, ObjectFormatError, parseObject } from "ebpf-ts-loader";
import { fixtureBytes } from "../fixtures.ts";

const RUNS = Number(Deno.env.get("EBPF_FUZZ_RUNS") ?? 400);

/** Words that break arithmetic: limits, signs, off-by-one sizes. */
const nastyWord = fc.oneof(
  fc.constantFrom(0, 1, 7, 8, 0x7f, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff),
  fc.nat(0x4000),
  fc.integer({ min: 0, max: 0xffffffff }),
);

const edit = fc.record({
  /** Place in the file, in 2^-20 of its length; doubles would crowd at its start. */
  at: fc.integer({ min: 0, max: 2 ** 20 - 1 }),
  size: fc.constantFrom(1, 2, 4),
  word: nastyWord,
});

const change = fc.record({
  edits: fc.array(edit, { minLength: 1, maxLength: 4 }),
  keep: fc.oneof(
    { weight: 9, arbitrary: fc.constant(2 ** 20) },
    fc.integer({ min: 0, max: 2 ** 20 }),
  ),
});

type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

function apply(original: Uint8Array<ArrayBuffer>, { edits, keep }: Change) {
  const bytes = original.slice(0, Math.ceil(original.length * keep / 2 ** 20));
  const view = new DataView(bytes.buffer);
  for (const { at, size, word } of edits) {
    // Aligned: that is where the fields are.
    const offset = Math.floor(at / 2 ** 20 * bytes.length / size) * size;
    if (offset + size > bytes.length) continue;
    if (size === 1) view.setUint8(offset, word);
    else if (size === 2) view.setUint16(offset, word, true);
    else view.setUint32(offset, word, true);
  }
  return bytes;
}

/** Runs `parse`; anything it throws must be one of our errors, on one line. */
function mustParseOrRefuse(parse: () => void): void {
  try {
    parse();
  } catch (error) {
    const ours = error instanceof ObjectFormatError || error instanceof NotSupportedError;
    if (!ours) throw error;
    assert(!error.message.includes("\n") && error.message.length < 2000);
  }
}

/** Asks for every layout, which is computed only on demand. */
function layouts(btf: Btf): void {
  for (const { id } of btf.types) mustParseOrRefuse(() => void btf.layout(id));
}

for (const name of ["tc.bpf.o", "core.bpf.o"]) {
  Deno.test(`parseObject() parses or refuses ${name} with changed bytes`, () => {
    const original = fixtureBytes(name);
    fc.assert(
      fc.property(change, (each) => {
        const bytes = apply(original, each);
        mustParseOrRefuse(() => {
          const { btf } = parseObject(bytes, name);
          if (btf) layouts(btf);
        });
      }),
      { numRuns: RUNS },
    );
  });
}

Deno.test("Btf parses or refuses changed bytes", () => {
  const { btf } = parseObject(fixtureBytes("tc.bpf.o"));
  assert(btf);
  fc.assert(
    fc.property(change, (each) => {
      const bytes = apply(btf.bytes, each);
      mustParseOrRefuse(() => layouts(new Btf(bytes)));
    }),
    { numRuns: RUNS },
  );
});
