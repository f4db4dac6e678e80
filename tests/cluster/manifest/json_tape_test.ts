import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { JsonSource } from "../../../src/cluster/manifest/json_source.ts";
import { readJsonTape } from "../../../src/cluster/manifest/json_tape.ts";
import type { Source } from "../../../src/cluster/manifest/source.ts";

const SEED = Number(Deno.env.get("TWINPATH_SEED") ?? Date.now() % 0x7fffffff);

/** Makes a JavaScript value of a value in a source, as JSON.parse would. */
function valueOf(source: Source<unknown>, value: unknown): unknown {
  switch (source.typeOf(value)) {
    case "object":
      return Object.fromEntries(
        source.fields(value).map((slot) => [slot.name, valueOf(source, slot.value)]),
      );
    case "list":
      return source.items(value).map((item) => valueOf(source, item));
    case "null":
      return null;
    case "number":
      return Number(source.numberText(value));
    default:
      return source.scalar(value);
  }
}

function parse(text: string): unknown[] | undefined {
  const json = JsonSource.open("p.json", text, 128);
  return json?.roots.map((root) => valueOf(json, root));
}

Deno.test("readJsonTape() writes a place for each value, and where the next one is", () => {
  const tape = readJsonTape('{"a": [1, 2]}', 128);
  assert(tape !== undefined);
  const places = Array.from({ length: tape.length }, (_, i) => [tape.offset(i), tape.next(i)]);
  assertEquals(places, [[0, 5], [1, 2], [6, 5], [7, 4], [10, 5]]);
});

Deno.test("JsonSource reads what JSON.parse reads", () => {
  console.log(`seed ${SEED}`);
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.constantFrom(undefined, 1, "\t", "\r\n "),
      (object, indent) => {
        const text = JSON.stringify(object, null, indent);
        // JSON.parse itself decides what -0 and __proto__ become.
        const expected = JSON.parse(text.replaceAll("__proto__", "_proto_"));
        assertEquals(parse(text.replaceAll("__proto__", "_proto_")), [expected]);
      },
    ),
    { seed: SEED, numRuns: 500 },
  );
});

Deno.test("JsonSource accepts exactly what JSON.parse accepts", () => {
  console.log(`seed ${SEED}`);
  const fragment = fc.constantFrom(
    ...'{}[],:"\\ \n\t\u0000\u001f-0123456789.eE+truefalsn/u\u2028é',
    '"a":',
    "[1]",
    "null",
    "\\u12",
    "\\ud83d",
  );
  const broken = fc.array(fragment, { maxLength: 12 }).map((parts) => `{"k":${parts.join("")}}`);
  let accepted = 0;
  fc.assert(
    fc.property(fc.oneof(broken, fc.string().map((text) => `{${text}`)), (text) => {
      let expected: unknown;
      try {
        expected = JSON.parse(text);
      } catch {
        // It may still be two values, one after the other.
        assert((JsonSource.open("p", text, 128)?.roots.length ?? 2) > 1, text);
        return;
      }
      accepted++;
      // The later of two fields of one name counts for JSON.parse.
      assertEquals(parse(text), [expected]);
    }),
    { seed: SEED, numRuns: 20000 },
  );
  assert(accepted > 0);
});

Deno.test("JsonSource reads values that follow each other", () => {
  assertEquals(parse('{"a":1}\n{"b":2}{}'), [{ a: 1 }, { b: 2 }, {}]);
  assertEquals(parse('{"a":1} x'), undefined);
  assertEquals(parse(""), undefined);
});

Deno.test("JsonSource leaves what is nested too deeply to others", () => {
  const nested = (depth: number) => `{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`;
  assert(JsonSource.open("p", nested(127), 128) !== undefined);
  assertEquals(JsonSource.open("p", nested(128), 128), undefined);
  assertEquals(JsonSource.open("p", nested(100000), 128), undefined);
});

Deno.test("JsonSource counts lines and columns from 1", () => {
  const json = JsonSource.open("p.json", '{\n  "a": 1,\r\n  "b": [2]\n}', 128);
  assert(json !== undefined);
  const places = json.fields(0).map(({ key, value }) =>
    [key, value].map((at) => [json.locate(at).line, json.locate(at).column])
  );
  assertEquals(places, [[[2, 3], [2, 8]], [[3, 3], [3, 8]]]);
});

Deno.test("JsonSource keeps strings apart that fall into one place of its cache", () => {
  const names = Array.from({ length: 20000 }, (_, i) => `name-of-a-pod-${(i * 7919) % 20000}`);
  const text = JSON.stringify({ names });
  assertEquals(parse(text), [{ names }]);
});
