import { assert, assertEquals, assertThrows } from "@std/assert";
import { Btf, ObjectFormatError } from "ebpf-ts-loader";
import { fixture } from "../fixtures.ts";

function mustBtf(): Btf {
  const { btf } = fixture("tc.bpf.o");
  assert(btf);
  return btf;
}

Deno.test("Btf.structLayout() resolves members, typedefs, arrays, unions and enums", () => {
  const { size, members } = mustBtf().structLayout("value");
  assertEquals(size, 16);
  assertEquals(members.map((each) => [each.name, each.offset, each.bitSize, each.type.kind]), [
    ["packets", 0, 64, "int"],
    ["", 8, 32, "union"],
    ["verdict", 12, 32, "enum"],
  ]);
  const [packets, union, verdict] = members.map((each) => each.type);
  assertEquals(packets?.typedefs, ["__u64"]);
  assert(union?.kind === "union" && verdict?.kind === "enum");
  const bytes = union.members[1]?.type;
  assert(bytes?.kind === "array");
  assertEquals([bytes.count, bytes.size, bytes.element.size], [4, 4, 1]);
  assertEquals(verdict.values, [
    { name: "VERDICT_PASS", value: 0 },
    { name: "VERDICT_DROP", value: 2 },
  ]);
});

Deno.test("Btf.structLayout() keeps byte-order typedefs and bitfields", () => {
  const { members } = mustBtf().structLayout("key");
  assertEquals(members[0]?.type.typedefs, ["__be32", "__u32"]);
  assertEquals(members.slice(3).map((each) => [each.name, each.bitOffset, each.bitSize]), [
    ["flags", 56, 3],
    ["version", 59, 5],
  ]);
  assert(members[4]?.bitfield);
  assertEquals(members[4].offset, 7);
});

Deno.test("Btf.structLayout() names the struct it does not have", () => {
  assertThrows(() => mustBtf().structLayout("nobody"), ObjectFormatError, 'struct "nobody"');
});

Deno.test("Btf.enumerators() lists constants", () => {
  assertEquals(mustBtf().enumerators().get("VERDICT_DROP"), 2);
});

/** A BTF blob of the given type records over the strings "\0a\0". */
function blob(...words: number[]): Uint8Array<ArrayBuffer> {
  const strings = [0, 0x61, 0];
  const bytes = new Uint8Array(24 + words.length * 4 + strings.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0xeb9f, true);
  view.setUint8(2, 1);
  view.setUint32(4, 24, true);
  view.setUint32(12, words.length * 4, true);
  view.setUint32(16, words.length * 4, true);
  view.setUint32(20, strings.length, true);
  words.forEach((word, index) => view.setUint32(24 + index * 4, word, true));
  bytes.set(strings, 24 + words.length * 4);
  return bytes;
}

const kind = (value: number, count = 0) => (value << 24) | count;

const REFUSED: { description: string; bytes: Uint8Array<ArrayBuffer>; message: string }[] = [
  {
    description: "a typedef of itself",
    bytes: blob(1, kind(8), 1),
    message: 'type 1 "a" contains itself',
  },
  {
    description: "a typedef cycle over const",
    bytes: blob(1, kind(8), 2, 0, kind(10), 1),
    message: "contains itself",
  },
  {
    description: "a struct that contains itself",
    bytes: blob(1, kind(4, 1), 8, 1, 1, 0),
    message: "contains itself",
  },
  {
    description: "a pointer to itself",
    bytes: blob(0, kind(2), 1),
    message: "contains itself",
  },
  {
    description: "an array of itself",
    bytes: blob(0, kind(3), 0, 1, 1, 4),
    message: "contains itself",
  },
  {
    description: "a type id out of range",
    bytes: blob(0, kind(2), 77),
    message: "a reference to type 77, expected below 2",
  },
  {
    description: "a name out of range",
    bytes: blob(99, kind(8), 0),
    message: "name at 99",
  },
  {
    description: "an unknown kind",
    bytes: blob(0, kind(31), 0),
    message: "kind 31",
  },
  {
    description: "more members than bytes",
    bytes: blob(1, kind(4, 0xffff), 8),
    message: "type entries",
  },
  {
    description: "a truncated record",
    bytes: blob(1, kind(4)),
    message: "type 1",
  },
];

for (const { description, bytes, message } of REFUSED) {
  Deno.test(`Btf refuses ${description}`, () => {
    assertThrows(() => new Btf(bytes, "x.o .BTF"), ObjectFormatError, message);
  });
}

Deno.test("Btf accepts a struct that points at itself", () => {
  // struct a { struct a *a; }
  const btf = new Btf(blob(1, kind(4, 1), 8, 1, 2, 0, 0, kind(2), 1));
  assertEquals(btf.structLayout("a").members[0]?.type.kind, "pointer");
});

Deno.test("Btf refuses a member outside its struct when the layout is asked for", () => {
  const btf = new Btf(blob(1, kind(4, 1), 4, 1, 2, 0, 0, kind(2), 0));
  assertThrows(() => btf.structLayout("a"), ObjectFormatError, 'member "a.a"');
});

Deno.test("Btf refuses an array of astronomic size when its size is asked for", () => {
  const btf = new Btf(blob(0, kind(3), 0, 2, 2, 0xffffffff, 0, kind(2), 0));
  assertThrows(() => btf.sizeOf(1), ObjectFormatError, "below 2^32");
});

Deno.test("Btf refuses a chain of typedefs nobody writes", () => {
  const chain = Array.from({ length: 100 }, (_, index) => [1, kind(8), index + 2]).flat();
  const btf = new Btf(blob(...chain, 0, kind(2), 0));
  assertThrows(() => btf.sizeOf(1), ObjectFormatError, "behind more than 32 typedefs");
});
