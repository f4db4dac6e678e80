import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { ipAddressFromWords } from "../../src/cluster/ip_address.ts";
import { containsPrefix, type IpPrefix, ipPrefixOf } from "../../src/cluster/ip_prefix.ts";
import { PrefixTrie } from "../../src/identity/prefix_trie.ts";

const SEED = Number(Deno.env.get("TWINPATH_SEED") ?? Date.now() % 0x7fffffff);

/** Few bits that differ, so that prefixes are often inside one another. */
const prefix: fc.Arbitrary<IpPrefix> = fc.oneof(
  fc.tuple(fc.nat(7), fc.nat(7), fc.constantFrom(0, 1, 2, 3, 8, 9, 24, 30, 31, 32))
    .map(([high, low, length]) =>
      ipPrefixOf(ipAddressFromWords(4, [(high << 29 | low) >>> 0, 0, 0, 0]), length)
    ),
  fc.tuple(fc.nat(3), fc.nat(3), fc.constantFrom(0, 1, 32, 33, 63, 64, 65, 127, 128))
    .map(([high, low, length]) =>
      ipPrefixOf(ipAddressFromWords(6, [(high << 30) >>> 0, 1, 0, low]), length)
    ),
);

Deno.test("PrefixTrie finds what a look at every prefix finds", () => {
  console.log(`seed ${SEED}`);
  const step = fc.record({ prefix, add: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.array(prefix, { maxLength: 10 }), (
      steps,
      questions,
    ) => {
      const trie = new PrefixTrie<number>();
      const reference = new Map<string, { prefix: IpPrefix; value: number }>();
      for (const [value, { prefix, add }] of steps.entries()) {
        if (add) reference.set(prefix.text, { prefix, value });
        else reference.delete(prefix.text);
        if (add) trie.set(prefix, value);
        else trie.delete(prefix);
      }
      const all = [...reference.values()];
      for (const asked of [...questions, ...steps.map((s) => s.prefix)]) {
        assertEquals(trie.get(asked), reference.get(asked.text)?.value);
        assertEquals(
          [...trie.covering(asked)].map(([p, value]) => `${p.text} ${value}`),
          all.filter((known) => containsPrefix(known.prefix, asked))
            .sort((a, b) => a.prefix.length - b.prefix.length)
            .map(({ prefix, value }) => `${prefix.text} ${value}`),
        );
        assertEquals(
          [...trie.within(asked)].map(([p, value]) => `${p.text} ${value}`).sort(),
          all.filter((known) => containsPrefix(asked, known.prefix))
            .map(({ prefix, value }) => `${prefix.text} ${value}`).sort(),
        );
      }
    }),
    { seed: SEED, numRuns: 300 },
  );
});
