import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  type BtfValue,
  decodeValue,
  encodeValue,
  type IntLayout,
  type MemberLayout,
  type StructLayout,
  type TypeLayout,
} from "ebpf-ts-loader";
import { fixture } from "../fixtures.ts";

function mustLayout(name: string): StructLayout {
  const { btf } = fixture("variables.bpf.o");
  assert(btf);
  return btf.structLayout(name);
}

const SHAPE = {
  name: "square",
  mac: new Uint8Array([2, 0, 0, 0, 0, 1]),
  points: [{ x: 1, y: -2 }, { x: 3, y: -4 }],
  word: 0x00020001,
  low: 1,
  high: 2,
  three: 5,
  minus: -3,
  mode: 5,
  total: 1n << 40n,
} as const;

Deno.test("decodeValue() reads members, arrays, text, bitfields, unions and enums", () => {
  const { maps, variables } = fixture("variables.bpf.o");
  const { offset = 0, size = 0 } = variables.get("config") ?? {};
  const bytes = maps.get(".rodata")?.contents?.subarray(offset, offset + size);
  assert(bytes);
  assertEquals(decodeValue(mustLayout("shape"), bytes), SHAPE);
});

Deno.test("encodeValue() undoes decodeValue(), members of a union included", () => {
  const layout = mustLayout("shape");
  assertEquals(decodeValue(layout, encodeValue(layout, SHAPE)), SHAPE);
});

Deno.test("encodeValue() leaves out members 0, and takes enumerators by name", () => {
  const layout = mustLayout("shape");
  const value = decodeValue(layout, encodeValue(layout, { mode: "MODE_ON", high: 7 }));
  assertEquals(value, {
    ...SHAPE,
    name: "",
    mac: new Uint8Array(6),
    points: [{ x: 0, y: 0 }, { x: 0, y: 0 }],
    word: 7 << 16,
    low: 0,
    high: 7,
    three: 0,
    minus: 0,
    total: 0n,
  });
});

const REFUSED: { value: BtfValue; error: new () => Error; message: string }[] = [
  {
    value: { totl: 1 },
    error: TypeError,
    message: 'Cannot encode "shape": unknown member "totl" (did you mean "total"?), expected one',
  },
  { value: { three: 8 }, error: RangeError, message: '"shape.three": 8, expected 0 to 7' },
  { value: { minus: -17 }, error: RangeError, message: '"shape.minus": -17, expected -16 to 15' },
  {
    value: { points: [{ x: 40000 }, {}] },
    error: RangeError,
    message: '"shape.points[0].x": 40000, expected -32768 to 32767',
  },
  { value: { points: [] }, error: RangeError, message: '"shape.points": 0 elements, expected 2' },
  {
    value: { name: "too long a name" },
    error: RangeError,
    message: "15 bytes, expected at most 8",
  },
  { value: { mac: [1, 2] }, error: RangeError, message: "2 elements, expected 6" },
  { value: { mac: "text" }, error: TypeError, message: "a string, expected an array of 6 or a" },
  { value: { low: 1, word: 2 }, error: TypeError, message: "members of a union that disagree" },
  {
    value: { mode: "MODE_NO" },
    error: TypeError,
    message: '"MODE_NO" (did you mean "MODE_ON"?), expected one of MODE_OFF, MODE_ON',
  },
  { value: { total: 1.5 }, error: RangeError, message: "1.5, expected a safe integer" },
  { value: 5, error: TypeError, message: "a number, expected an object or a Uint8Array of 48" },
  { value: new Uint8Array(3), error: RangeError, message: "3 bytes, expected 48" },
];

for (const { value, error, message } of REFUSED) {
  Deno.test(`encodeValue() refuses a value: ${message}`, () => {
    assertThrows(() => encodeValue(mustLayout("shape"), value), error, message);
  });
}

Deno.test("decodeValue() refuses bytes of another size", () => {
  assertThrows(
    () => decodeValue(mustLayout("shape"), new Uint8Array(47)),
    RangeError,
    'Cannot decode "shape": 47 bytes, expected 48',
  );
});

const integer = (size: number, signed: boolean): IntLayout => ({
  kind: "int",
  name: "x",
  size,
  signed,
  char: false,
  bool: false,
  typedefs: [],
});

Deno.test("integers of any size and order survive encoding and decoding", () => {
  fc.assert(fc.property(
    fc.constantFrom(1, 2, 4, 8, 16),
    fc.boolean(),
    fc.constantFrom("little" as const, "big" as const),
    fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }),
    (size, signed, byteOrder, bits) => {
      const layout = integer(size, signed);
      const value = signed ? BigInt.asIntN(size * 8, bits) : BigInt.asUintN(size * 8, bits);
      const bytes = encodeValue(layout, value, { byteOrder });
      const decoded = decodeValue(layout, bytes, { byteOrder });
      assertEquals(typeof decoded, size > 4 ? "bigint" : "number");
      assertEquals(BigInt(decoded as number | bigint), value);
    },
  ));
});

/** Bitfields side by side in one struct, of random widths. */
const bitfields = fc.array(
  fc.record({ width: fc.integer({ min: 1, max: 32 }), bits: fc.nat(), signed: fc.boolean() }),
  { minLength: 1, maxLength: 12 },
);

Deno.test("bitfields do not touch each other, in either order", () => {
  fc.assert(fc.property(
    bitfields,
    fc.constantFrom("little" as const, "big" as const),
    (fields, byteOrder) => {
      let bit = 0;
      const members = fields.map(({ width, signed }, index) => {
        const bitOffset = bit;
        bit += width;
        const type = integer(4, signed);
        return { name: `m${index}`, offset: 0, bitOffset, bitSize: width, bitfield: true, type };
      });
      const layout: TypeLayout = {
        kind: "struct",
        name: "s",
        size: Math.ceil(bit / 8),
        members,
        typedefs: [],
      };
      const value = Object.fromEntries(fields.map(({ width, bits, signed }, index) => {
        const wide = BigInt(bits);
        const fit = signed ? BigInt.asIntN(width, wide) : BigInt.asUintN(width, wide);
        return [`m${index}`, Number(fit)];
      }));
      const bytes = encodeValue(layout, value, { byteOrder });
      assertEquals(decodeValue(layout, bytes, { byteOrder }), value);
    },
  ));
});

Deno.test("decodeValue() ends on a type that holds itself twice per level", () => {
  let type: TypeLayout = integer(1, false);
  for (let level = 0; level < 30; level++) {
    const member: Omit<MemberLayout, "name"> = {
      offset: 0,
      bitOffset: 0,
      bitSize: 8,
      bitfield: false,
      type,
    };
    const members: MemberLayout[] = [{ name: "a", ...member }, { name: "b", ...member }];
    type = { kind: "union", name: "u", size: 1, members, typedefs: [] };
  }
  assertThrows(() => decodeValue(type, new Uint8Array(1)), RangeError, "more than");
});
