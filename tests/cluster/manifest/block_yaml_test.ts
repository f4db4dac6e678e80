/** Simple YAML means to its own reader what it means to a real parser, places and all. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { stringify } from "yaml";
import { BlockYamlSource } from "../../../src/cluster/manifest/block_yaml_source.ts";
import { NoReading, type Slot, type Source } from "../../../src/cluster/manifest/source.ts";
import { parseYaml } from "../../../src/cluster/manifest/yaml_source.ts";
import { ManifestError } from "../../../src/cluster/manifest_error.ts";
import { DEATH_STAR } from "../../../src/cluster/scenarios/death_star.ts";

const SEED = Number(Deno.env.get("TWINPATH_SEED") ?? Date.now() % 0x7fffffff);

/** A merge key has no reading; both say so. */
function fieldsOf(source: Source<unknown>, value: unknown): Slot<unknown>[] {
  try {
    return source.fields(value);
  } catch (error) {
    if (!(error instanceof NoReading)) throw error;
    return [];
  }
}

/** Everything that can be asked of a value. */
function dump(source: Source<unknown>, given: unknown): unknown {
  const value = source.enter(given);
  const type = source.typeOf(value);
  const { line, column } = source.locate(given);
  const at = `${type} ${line}:${column}`;
  switch (type) {
    case "object":
      return [
        at,
        fieldsOf(source, value).map((slot) => {
          const key = source.locate(slot.key);
          return [slot.name, `${key.line}:${key.column}`, dump(source, slot.value)];
        }),
      ];
    case "list":
      return [at, source.items(value).map((item) => dump(source, item))];
    case "null":
      return [at];
    case "number":
      return [at, source.numberText(value)];
    default:
      return [at, source.scalar(value)];
  }
}

function simple(text: string): unknown[] | undefined {
  const opened = BlockYamlSource.open("p", text, 128);
  return opened?.roots.map((root) => dump(opened, root));
}

function real(text: string): unknown[] {
  return parseYaml("p", text, 128).map((document) => {
    if (document instanceof ManifestError) throw document;
    return dump(document.source, document.root) as unknown[];
  }).filter(([at]) => !String(at).startsWith("null "));
}

/** Says of a text that it is simple, and read as a real parser reads it. */
function assertSame(text: string): boolean {
  const mine = simple(text);
  if (mine === undefined) return false;
  assertEquals(mine, real(text), text);
  return true;
}

const KUBECTL = `apiVersion: v1
items:
- apiVersion: v1
  kind: Pod
  metadata:
    annotations:
      kubectl.kubernetes.io/last-applied-configuration: |
        {"apiVersion":"v1","kind":"Pod"}

      note: >-
        folded
        text
    creationTimestamp: "2026-01-01T00:00:00Z"
    labels: {}
    managedFields:
    - fieldsV1:
        f:metadata:
          .: {}
          k:{"type":"Ready"}:
            f:status: {}
      manager: kubelet
    name: web
  # a comment
  spec:
    containers:
    - args: []
      image: nginx:1.27
      ports:
      - containerPort: 80
        name: http
      - containerPort: 0x50
    nodeName: 'worker''s'
    priority: -1
    hostNetwork: true
    empty:
    tilde: ~
    version: 1.10
    "quoted key": "a\\tb"
  status:
    -   deep: 1
        wide: 2
    -
      next: line
    - plain
kind: List
---
kind: Second`;

Deno.test("BlockYamlSource reads what kubectl writes", () => {
  assert(assertSame(KUBECTL));
  assert(assertSame(`${KUBECTL}\n`));
  assert(assertSame(""));
});

Deno.test("BlockYamlSource reads the Death Star", () => {
  for (const part of DEATH_STAR.text.split("---\n")) assertSame(part);
});

const NOT_SIMPLE = [
  "a: &anchor b\nc: *anchor",
  "a: [1, 2]",
  "a: { b: c }",
  "a: b # comment",
  "a: b\n  continued",
  'a: "b\n  c"',
  "a: !!str 1",
  "? a\n: b",
  "a: |2\n    b",
  "a:\tb",
  "a: b\r\nc: d",
  "- - a",
  "a: b: c",
  "plain",
  "--- a: b",
  "%YAML 1.2\n---\na: b",
  "a: b\n...",
  "a:\n  b: c\n d: e",
  "- a\nb: c",
  "a: b\n- c",
];

for (const text of NOT_SIMPLE) {
  Deno.test(`BlockYamlSource leaves ${JSON.stringify(text)} to a real parser`, () => {
    assertEquals(simple(text), undefined);
  });
}

Deno.test("BlockYamlSource reads random values as a real parser does", () => {
  console.log(`seed ${SEED}`);
  const key = fc.oneof(
    fc.constantFrom("a", "f:b", "x-y", ".", "80", "true", "a b", "k:{}", "-", "a: b", "#", "'q'"),
    fc.string({ maxLength: 5 }),
  );
  const scalar = fc.oneof(
    fc.constantFrom("", "~", "null", "True", "0x1F", "0o17", "1_000", "1e3", ".5", "+1", "-.inf"),
    fc.constantFrom("a: b", "a #b", "#a", "- a", "-a", "?", "{}", "[]", "*a", "a\nb", "a\n\n b\n"),
    fc.constantFrom("010", "1.2.3", "2026-01-01", "yes", "off", "NaN", ".NaN", " a ", "'", '"\\"'),
    fc.string({ maxLength: 8 }),
    fc.boolean(),
    fc.integer(),
    fc.double(),
    fc.constant(null),
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      scalar,
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(key, tie("value"), { maxKeys: 4 }),
    ),
  }));
  let read = 0;
  fc.assert(
    fc.property(fc.dictionary(key, value), fc.boolean(), (object, indentSeq) => {
      if (assertSame(stringify(object, { indentSeq, lineWidth: 0 }))) read++;
    }),
    { seed: SEED, numRuns: 3000 },
  );
  assert(read > 500, `${read} of 3000 were simple`);
});

Deno.test("BlockYamlSource accepts no text that a real parser refuses or reads otherwise", () => {
  console.log(`seed ${SEED}`);
  const piece = fc.constantFrom(
    ..."\n -:#'\"|>{}[]&*!?~0aA\\",
    "\n  ",
    "\n- ",
    ": ",
    "---\n",
    "|\n",
    "  ",
    "null",
    "<<: ",
  );
  const broken = fc.tuple(
    fc.nat(KUBECTL.length),
    fc.nat(12),
    fc.array(piece, { maxLength: 4 }),
    fc.nat(KUBECTL.length),
  ).map(([at, cut, parts, second]) => {
    const text = KUBECTL.slice(0, at) + parts.join("") + KUBECTL.slice(at + cut);
    return text.slice(0, second) + text.slice(second + (cut % 3));
  });
  const made = fc.array(piece, { maxLength: 14 }).map((parts) => parts.join(""));
  let read = 0;
  fc.assert(
    fc.property(fc.oneof(broken, made), (text) => {
      const mine = simple(text);
      if (mine === undefined) return;
      read++;
      assertEquals(mine, real(text), text);
    }),
    { seed: SEED, numRuns: 6000 },
  );
  assert(read > 500, `${read} of 6000 were simple`);
});
