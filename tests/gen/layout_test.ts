import { assert, assertEquals, assertThrows } from "@std/assert";
import { parseObject, type StructLayout } from "ebpf-ts-loader";
import * as layout from "../../src/datapath/layout.ts";
import {
  assemblyScriptLayout,
  readSharedLayout,
  type SharedLayout,
  typeScriptLayout,
} from "../../src/gen/layout.ts";

const ROOT = new URL("../../", import.meta.url);

const typeScript = new Map<string, number>(
  Object.entries<unknown>(layout).flatMap(([name, value]) =>
    typeof value === "number" ? [[name, value]] : []
  ),
);

const assemblyScript = new Map(
  [
    ...Deno.readTextFileSync(new URL("asm/layout.ts", ROOT))
      .matchAll(/^export const (\w+): (?:usize|u32|i32) = (-?\d+);$/gm),
  ]
    .map((match): [string, number] => [match[1] ?? "", Number(match[2])]),
);

/** What a struct of an object looks like in the generated constants' form. */
function constantsOf(struct: StructLayout): [string, number][] {
  const prefix = struct.name.toUpperCase();
  return [
    [`${prefix}_SIZE`, struct.size],
    ...struct.members.map(({ name, offset }): [string, number] => [
      `${prefix}_${name.toUpperCase()}_OFF`,
      offset,
    ]),
  ];
}

/** Structs of a committed object that user space knows too. */
function sharedStructs(object: string): StructLayout[] {
  const { btf } = parseObject(Deno.readFileSync(new URL(`bpf/obj/${object}`, ROOT)), object);
  assert(btf);
  return [...btf.ofKind("struct")]
    .filter(({ name }) => typeScript.has(`${name.toUpperCase()}_SIZE`))
    .map(({ name }) => btf.structLayout(name));
}

Deno.test("both languages have the same layout constants", () => {
  assertEquals([...assemblyScript].sort(), [...typeScript].sort());
});

for (const object of ["datapath.bpf.o", "harness.bpf.o"]) {
  Deno.test(`every shared struct of ${object} agrees with the layout constants`, () => {
    const structs = sharedStructs(object);
    assert(structs.length > 1);
    const expected = structs.flatMap(constantsOf);
    assertEquals(expected.map(([name]) => [name, typeScript.get(name)]), expected);
  });
}

const EXAMPLE: SharedLayout = {
  structs: [{
    kind: "struct",
    name: "pair",
    size: 8,
    typedefs: [],
    members: ["first", "second"].map((name, i) => ({
      name,
      offset: i * 4,
      bitOffset: i * 32,
      bitSize: 32,
      bitfield: false,
      type: {
        kind: "int",
        name: "int",
        size: 4,
        signed: true,
        char: false,
        bool: false,
        typedefs: [],
      },
    })),
  }],
  enums: [{
    kind: "enum",
    name: "sign",
    size: 4,
    signed: true,
    typedefs: [],
    values: [{ name: "MINUS", value: -1 }, { name: "ALSO_MINUS", value: -1 }, {
      name: "PLUS",
      value: 1,
    }],
  }],
};

Deno.test("assemblyScriptLayout() types sizes as usize and negative numbers as i32", () => {
  assertEquals(
    assemblyScriptLayout(EXAMPLE).split("\n").slice(2),
    [
      "export const PAIR_SIZE: usize = 8;",
      "export const PAIR_FIRST_OFF: usize = 0;",
      "export const PAIR_SECOND_OFF: usize = 4;",
      "",
      "export const MINUS: i32 = -1;",
      "export const ALSO_MINUS: i32 = -1;",
      "export const PLUS: u32 = 1;",
      "",
    ],
  );
});

Deno.test("typeScriptLayout() keeps the first of two names of a number", () => {
  const text = typeScriptLayout(EXAMPLE);
  assert(
    text.includes(
      'export const SIGN_NAMES: ReadonlyMap<number, string> = new Map([\n  [-1, "MINUS"],\n  [1, "PLUS"],\n]);',
    ),
  );
});

Deno.test("readSharedLayout() refuses an object without struct layout", () => {
  const { btf } = parseObject(Deno.readFileSync(new URL("bpf/obj/harness.bpf.o", ROOT)), "harness");
  assert(btf);
  assertThrows(() => readSharedLayout(btf), Error, 'struct "layout" not found');
});
