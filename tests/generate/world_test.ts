import { assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { parse } from "yaml";
import { sidesOf } from "./flows.ts";
import { readManifests } from "./read.ts";
import { world } from "./world.ts";

const SEED = Number(Deno.env.get("TWINPATH_SEED") ?? Date.now() % 0x7fffffff);

Deno.test("world: every manifest is read, whatever is shrunk", () => {
  console.log(`seed ${SEED}`);
  fc.assert(
    fc.property(world, ({ manifests }) => {
      // Pods with nothing named twice are read one to one.
      assertEquals(readManifests(manifests).length, manifests.length);
    }),
    { seed: SEED, numRuns: 300 },
  );
});

Deno.test("world: a case prints as manifests that can be tried by hand", () => {
  const [one] = fc.sample(world, { seed: 1, numRuns: 1 });
  const documents = String(one).split("\n---\n");
  assertEquals(documents.length, one?.manifests.length);
  const kinds = documents.map((text) => (parse(text) as { kind: string }).kind);
  assertEquals(kinds, one?.manifests.map(({ kind }) => kind));
  assertStringIncludes(String(one), "allowLocalhost");
});

Deno.test("sidesOf() has no side twice", () => {
  for (const one of fc.sample(world, { seed: 2, numRuns: 10 })) {
    const sides = sidesOf(one, readManifests(one.manifests));
    const texts = sides.map(({ subject, peer, direction, probe }) =>
      [subject.title, peer.title, peer.address?.text, direction, probe.protocol, probe.port].join()
    );
    assertEquals(new Set(texts).size, texts.length);
  }
});
