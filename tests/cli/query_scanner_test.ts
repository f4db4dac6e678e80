import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseQuery } from "../../src/cli/query.ts";
import { QueryScanner } from "../../src/cli/query_scanner.ts";
import { EndFinder } from "../../src/explain/end_finder.ts";

const SEED = Number(Deno.env.get("TWINPATH_SEED") ?? Date.now() % 0x7fffffff);
const FINDER = new EndFinder([]);

function scan(line: string) {
  return new QueryScanner(FINDER).scan(line, 0, 7);
}

/** What the line means, read the long way. */
function expected(line: string) {
  const query = parseQuery(line, 7);
  return { ...query, source: FINDER.find(query.from), destination: FINDER.find(query.to) };
}

const PLAIN = [
  '{"id":1,"from":"10.0.0.1","to":"world","protocol":"TCP","port":80}',
  '{"id":"a b","from":"10.0.0.1","to":"world","protocol":"UDP","port":53}',
  '{"from":"host","to":"2001:db8::1","port":65535}',
  '{ "port" : 80 , "to" : "world" , "from" : "host" }  ',
  '{"from":"k8s:app=web, tier=x","to":"world","port":80}',
];

for (const line of PLAIN) {
  Deno.test(`QueryScanner reads ${line}`, () => {
    assertEquals<unknown>(scan(line), expected(line));
    assertEquals<unknown>(scan(`${line}\n`), expected(line));
  });
}

const LEFT = [
  "",
  "{}",
  "[]",
  '{"from":"host","to":"world"}',
  '{"from":"host","to":"world","port":0}',
  '{"from":"host","to":"world","port":65536}',
  '{"from":"host","to":"world","port":080}',
  '{"from":"host","to":"world","port":"80"}',
  '{"from":"host","to":"world","port":-80}',
  '{"from":"host","to":"world","port":80.0}',
  '{"from":"host","to":"world","port":8e1}',
  '{"from":"host","from":"health","to":"world","port":80}',
  '{"from":"ho\\u0073t","to":"world","port":80}',
  '{"from":"höst","to":"world","port":80}',
  '{"from":"shop/nobody","to":"world","port":80}',
  '{"from":"host","to":"world","port":80,"protocol":"SCTP"}',
  '{"from":"host","to":"world","port":80,"protocol":"tcp"}',
  '{"from":"host","to":"world","port":80,"expect":"denied"}',
  '{"from":"host","to":"world","port":80,"http":"GET /"}',
  '{"id":1.5,"from":"host","to":"world","port":80}',
  '{"id":1234567890123456,"from":"host","to":"world","port":80}',
  '{"id":null,"from":"host","to":"world","port":80}',
  '{"id":1,"from":"host","to":"world","port":80} x',
  '{"id":1,"from":"host","to":"world","port":80,}',
  '{"id":1,"from":"host","to":"world","port":80',
  '{"id":1 "from":"host","to":"world","port":80}',
];

for (const line of LEFT) {
  Deno.test(`QueryScanner leaves ${line} to others`, () => {
    assertEquals(scan(line), undefined);
  });
}

Deno.test("QueryScanner leaves a line that is too long to others", () => {
  assertEquals(scan(`{"from":"host","to":"world","port":80${" ".repeat(1 << 16)}}`), undefined);
});

Deno.test("QueryScanner goes on behind the line", () => {
  const scanner = new QueryScanner(FINDER);
  const first = '{"from":"host","to":"world","port":1}';
  const text = `${first}\r\n{"from":"x`;
  assertEquals(scanner.scan(text, 0, 1)?.port, 1);
  assertEquals(scanner.end, first.length + 2);
  assertEquals(scanner.scan(text, scanner.end, 2), undefined);
});

Deno.test("QueryScanner reads what it does not leave to others as they do", () => {
  console.log(`seed ${SEED}`);
  const end = fc.constantFrom("host", "world", "10.0.0.1", "::1", "app=a", "a\tb", "é", '"', "\\");
  const id = fc.oneof(fc.nat(), fc.double(), fc.string(), fc.constant(null));
  const port = fc.oneof(fc.integer({ min: -1, max: 65537 }), fc.constantFrom("80", 1.5));
  const protocol = fc.constantFrom("TCP", "UDP", "SCTP", "tcp", "GRE");
  const fields = fc.record({ id, from: end, to: end, protocol, port }, {
    requiredKeys: ["from", "to"],
  });
  const line = fc.tuple(fields, fc.shuffledSubarray(["id", "from", "to", "protocol", "port"]))
    .map(([values, order]) => {
      const all: Readonly<Record<string, unknown>> = values;
      return JSON.stringify(Object.fromEntries(order.map((name) => [name, all[name]])));
    });
  const changed = fc.tuple(line, fc.nat(80), fc.constantFrom("", " ", ",", '"', "0", "}", "\t"))
    .map(([text, at, piece]) => text.slice(0, at) + piece + text.slice(at));
  let read = 0;
  fc.assert(
    fc.property(fc.oneof(line, changed), (text) => {
      const found = scan(text);
      if (found === undefined) return;
      read++;
      assertEquals<unknown>(found, expected(text));
    }),
    { seed: SEED, numRuns: 3000 },
  );
  console.log(`${read} of 3000 lines were of the common form`);
});
