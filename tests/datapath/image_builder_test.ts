import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ImageFullError } from "../../src/datapath/image_error.ts";
import type { MergeMode } from "../../src/datapath/image_builder.ts";
import { VERDICT_ALLOW, VERDICT_DENY, VERDICT_NONE } from "../../src/datapath/layout.ts";
import { lookup } from "../../src/policy/lookup.ts";
import type { Direction, MapState } from "../../src/policy/map_state.ts";
import {
  boundaryKeys,
  canonical,
  entry,
  IDENTITIES,
  isolatedPorts,
  randomMapState,
  seeded,
  STRANGER,
  withOwnCookies,
} from "./_map_state.ts";
import { type Answer, lookupKeys, mustPublish, newMemory } from "./_memory.ts";

const memory = newMemory();

/** Slots by position, from 256 on; 0 for the broad identity and for strangers. */
function slotOf(identity: number): number {
  if (identity > 0 && identity < 256) return identity;
  const index = IDENTITIES.indexOf(identity as typeof IDENTITIES[number]);
  return index < 0 ? 0 : 256 + index;
}

function expectedAnswer(
  mapState: MapState,
  identity: number,
  direction: Direction,
  key: number,
): Answer {
  const result = lookup(mapState, identity, direction, key >> 16, key & 0xFFFF);
  if (!("entry" in result)) return { cookie: 0, verdict: VERDICT_NONE };
  const verdict = result.verdict === "allow" ? VERDICT_ALLOW : VERDICT_DENY;
  return { cookie: result.entry.cookie, verdict };
}

/** Compares the image with the reference for every peer and boundary. Returns the keys asked. */
function mustAgree(
  mapState: MapState,
  identities: readonly number[],
  slot: (identity: number) => number,
): number {
  const keys = boundaryKeys(mapState);
  for (const direction of ["ingress", "egress"] as const) {
    for (const identity of identities) {
      assertEquals(
        lookupKeys(memory, direction, slot(identity), keys),
        keys.map((key) => expectedAnswer(mapState, identity, direction, key)),
        `${direction} ${identity}`,
      );
    }
  }
  return keys.length;
}

for (const mode of ["auto", "merged", "compact", "unmerged"] as MergeMode[]) {
  Deno.test(`build() gives what lookup() says, at every boundary, ${mode}`, () => {
    fc.assert(
      fc.property(randomMapState(40), fc.boolean(), (random, ownCookies) => {
        const mapState = ownCookies ? withOwnCookies(random) : random;
        mustPublish(memory, mapState, slotOf, mode);
        mustAgree(mapState, [...IDENTITIES, STRANGER], slotOf);
      }),
      seeded(150),
    );
  });
}

Deno.test("build() drops everything in a direction without entries", () => {
  mustPublish(memory, { entries: [] }, slotOf);
  mustAgree({ entries: [] }, [1, STRANGER], slotOf);
});

Deno.test("build() writes the bytes that image.h describes", () => {
  const mapState = canonical([
    entry({ direction: "ingress", cookie: 0, precedence: 0 }),
    entry({
      identity: 300,
      direction: "egress",
      protocol: 6,
      port: 80,
      portPrefix: 16,
      verdict: "deny",
      precedence: 0xFFFFFFFF,
      cookie: 9,
      authType: 2,
    }),
  ]);
  const image = memory.builder.build({ policy: 7, revision: 3, mapState }, slotOf);
  const words = new Uint32Array(image.bytes.slice().buffer);
  const line = (number: number) => [...words.slice(number * 16, number * 16 + 16)];
  const zeros = new Array(16).fill(0);
  const unused = new Array(15).fill(0xFFFFFFFF);

  assertEquals(image.sizeClass, "S");
  // Default allow is interned into reserved block 1; nothing allowed at egress is block 2.
  assertEquals(line(0), [
    ...[0x49505754, 1, 7, 3, 4096, 256, 1024, 351],
    ...[3, 4, 2 << 16 | 1, 0, 0, 0, 0, 0],
  ]);
  assertEquals(line(1), zeros);
  const cellWord = 32 + (4096 + 257) / 2 | 0;
  assertEquals(words[cellWord], 3 << 16);
  assertEquals(line(258), [
    ...[0, 0, 0, 0],
    ...[0, 0, 4 << 24 | 1 << 16, 0],
    ...[0xFFFFFFFF, 9, 2 << 24 | 2 << 16, 24 | 2 << 8],
    ...[0, 0, 0, 0],
  ]);
  assertEquals([322, 323].map(line), [zeros, zeros]); // block 0 is never used
  assertEquals([324, 325].map(line), [[0, ...unused], [1, ...zeros.slice(1)]]);
  assertEquals([326, 327].map(line), [[0, ...unused], zeros]);
  assertEquals(line(328), [0, 6 << 16 | 80, 6 << 16 | 81, ...unused.slice(2)]);
  assertEquals(line(329), [0, 2, ...zeros.slice(2)]);
  const used = new Set([0, cellWord >> 4, 258, 324, 325, 326, 328, 329]);
  const strayLines = Array.from({ length: image.lines }, (_, i) => i)
    .filter((number) => !used.has(number) && line(number).some((word) => word !== 0));
  assertEquals(strayLines, []);
  memory.builder.free(image);
});

for (
  const { depth, ports } of [
    { depth: 0, ports: 7 },
    { depth: 1, ports: 8 },
    { depth: 1, ports: 127 },
    { depth: 2, ports: 128 },
    { depth: 2, ports: 1000 },
    { depth: 2, ports: 2047 },
  ]
) {
  for (const mode of ["merged", "unmerged"] as const) {
    Deno.test(`build() lays ${2 * ports + 1} ranges out at depth ${depth}, ${mode}`, () => {
      const own = isolatedPorts(ports, (port) => ({ identity: 300, cookie: port }));
      const image = mustPublish(memory, { entries: own }, slotOf, mode);
      const cell = new Uint16Array(image.bytes.slice().buffer)[2 * 32 + slotOf(300)]!;
      const blocks = { S: 322, M: 2050, L: 20482 }[image.sizeClass];
      const word0 = new Uint32Array(image.bytes.slice().buffer)[(blocks + cell * 2) * 16]!;
      assertEquals(word0, depth | (mode === "unmerged" ? 4 : 0));
      mustAgree({ entries: own }, [300, STRANGER], slotOf);
    });
  }
}

Deno.test("build() merges own and broad ranges across depths", () => {
  const mapState = canonical([
    ...isolatedPorts(900, (port) => ({ verdict: "deny", precedence: 5, cookie: port })),
    ...isolatedPorts(300, (port) => ({ identity: 300, port: port * 3, cookie: 10000 + port })),
    entry({ identity: 301, precedence: 5, cookie: 77 }),
  ]);
  for (const mode of ["merged", "compact", "unmerged"] as const) {
    mustPublish(memory, mapState, slotOf, mode);
    mustAgree(mapState, [300, 301, STRANGER], slotOf);
  }
});

const OWN_SLOT = (identity: number) => identity;

for (
  const { name, sizeClass, entries } of [
    { name: "the last slot of S", sizeClass: "S", entries: [entry({ identity: 4095 })] },
    { name: "the first slot beyond S", sizeClass: "M", entries: [entry({ identity: 4096 })] },
    { name: "the last slot of M", sizeClass: "M", entries: [entry({ identity: 16383 })] },
    { name: "the first slot beyond M", sizeClass: "L", entries: [entry({ identity: 16384 })] },
    { name: "the last slot of all", sizeClass: "L", entries: [entry({ identity: 65535 })] },
    {
      name: "256 entries", // with the two reserved ones
      sizeClass: "S",
      entries: isolatedPorts(254, (port) => ({ identity: 300, cookie: port })),
    },
    {
      name: "257 entries",
      sizeClass: "M",
      entries: isolatedPorts(255, (port) => ({ identity: 300, cookie: port })),
    },
    {
      name: "351 blocks", // three reserved ones, one for each identity
      sizeClass: "S",
      entries: Array.from({ length: 348 }, (_, i) => ({
        ...entry({ identity: 300 + i, protocol: 6, port: i, portPrefix: 16 }),
      })),
    },
    {
      name: "352 blocks",
      sizeClass: "M",
      entries: Array.from({ length: 349 }, (_, i) => ({
        ...entry({ identity: 300 + i, protocol: 6, port: i, portPrefix: 16 }),
      })),
    },
  ]
) {
  Deno.test(`build() takes the smallest class: ${sizeClass} for ${name}`, () => {
    const image = mustPublish(memory, { entries }, OWN_SLOT, "merged");
    assertEquals(image.sizeClass, sizeClass);
    const last = entries.at(-1)!;
    mustAgree({ entries }, [entries[0]!.identity, last.identity, 2], OWN_SLOT);
  });
}

Deno.test("build() leaves profiles unmerged where merging needs a larger class", () => {
  const mapState = canonical([
    ...isolatedPorts(1000, () => ({ verdict: "deny", precedence: 9 })),
    ...Array.from(
      { length: 100 },
      (_, i) => entry({ identity: 300 + i, protocol: 17, port: i, portPrefix: 16 }),
    ),
  ]);
  assertEquals(mustPublish(memory, mapState, OWN_SLOT, "merged").sizeClass, "M");
  const image = mustPublish(memory, mapState, OWN_SLOT, "auto");
  assertEquals(image.sizeClass, "S");
  mustAgree(mapState, [300, 350, 399, 4000], OWN_SLOT);
});

Deno.test("build() leaves a profile unmerged where merging exceeds the ranges", () => {
  const mapState = canonical([
    ...isolatedPorts(1500, () => ({ protocol: 6 })),
    ...isolatedPorts(1500, () => ({ protocol: 17, identity: 300, cookie: 5 })),
  ]);
  assertThrows(() => mustPublish(memory, mapState, slotOf, "merged"), RangeError, "ranges");
  mustPublish(memory, mapState, slotOf, "auto");
  mustAgree(mapState, [300, STRANGER], slotOf);
});

Deno.test("build() names the limit that is exceeded, and leaves nothing behind", () => {
  const tables = () => {
    const image = memory.builder.build(
      { policy: 1, revision: 1, mapState: { entries: [] } },
      slotOf,
    );
    memory.builder.free(image);
    return image.table;
  };
  const before = tables();
  const build = (mapState: MapState, slots = slotOf) =>
    memory.builder.build({ policy: 1, revision: 1, mapState }, slots);

  assertThrows(
    () => build({ entries: isolatedPorts(2048, (port) => ({ identity: 300, cookie: port })) }),
    RangeError,
    `Cannot build image "policy 1": profile of identity 300 has too many ranges, expected at most 4096`,
  );
  assertThrows(
    () => build({ entries: [entry({ identity: STRANGER })] }),
    RangeError,
    "identity of entry 0 (ingress identity 4711 protocol 0 port 0/0) has no slot",
  );
  assertThrows(
    () => build({ entries: [entry({ identity: 300 }), entry({ identity: 301 })] }, (id) => id && 9),
    RangeError,
    "slot 9 is given to two identities",
  );
  const many = Array.from({ length: 65535 }, (_, i) => entry({ identity: i + 1, cookie: i + 1 }));
  assertThrows(() => build({ entries: many }, OWN_SLOT), RangeError, "at most 65536");
  const wide = Array.from({ length: 260 }, (_, i) =>
    isolatedPorts(2000, (port) => ({
      identity: 300 + i,
      cookie: port === 2 * i + 1 ? 1 : 0,
    }))).flat();
  assertThrows(
    () => build({ entries: wide }, OWN_SLOT),
    RangeError,
    "blocks, expected at most 65535",
  );
  assertEquals(tables(), before);
});

Deno.test("build() refuses what is not canonical", () => {
  const build = (entries: MapState["entries"]) =>
    memory.builder.build({ policy: 1, revision: 1, mapState: { entries } }, slotOf);
  const web = entry({ protocol: 6, port: 80, portPrefix: 16 });
  assertThrows(
    () => build([web, web]),
    TypeError,
    "entry 1 (ingress identity 0 protocol 6 port 80/16)",
  );
  assertThrows(() => build([web, entry({})]), TypeError, "out of order");
  assertThrows(
    () => build([{ ...web, portPrefix: 12, port: 81 }]),
    TypeError,
    "field out of range",
  );
  assertThrows(() => build([{ ...web, protocol: 0 }]), TypeError, "field out of range");
  assertThrows(() => build([{ ...web, port: 65536 }]), RangeError, "port is 65536");
  assertThrows(() => build([{ ...web, cookie: -1 }]), RangeError, "cookie is -1");
});

Deno.test("extend() adds peers as a whole new build would", () => {
  fc.assert(
    fc.property(
      randomMapState(40),
      fc.subarray([...IDENTITIES]),
      fc.constantFrom<MergeMode>("merged", "compact", "unmerged"),
      (random, late, mode) => {
        const mapState = withOwnCookies(random);
        const isLate = (identity: number) => late.some((other) => other === identity);
        const early = { entries: mapState.entries.filter((e) => !isLate(e.identity)) };
        const image = mustPublish(memory, early, slotOf, mode);
        const before = image.bytes.slice();
        const added = mapState.entries.filter((e) => isLate(e.identity));
        const spans = memory.builder.extend(image, added, slotOf);
        mustAgree(mapState, [...IDENTITIES, STRANGER], slotOf);

        // A copy that takes over the spans has the same bytes.
        for (const span of spans) before.set(image.span(span), span.first * 64);
        assertEquals(before, image.bytes.slice());
      },
    ),
    seeded(150),
  );
});

Deno.test("extend() changes no published line but cells and the header", () => {
  const first = isolatedPorts(20, (port) => ({ identity: 300, cookie: port }));
  const image = mustPublish(memory, { entries: first }, slotOf);
  const before = image.bytes.slice();
  memory.builder.extend(
    image,
    isolatedPorts(30, (port) => ({ identity: 301, cookie: port })),
    slotOf,
  );
  const after = image.bytes;
  const usedBlocks = new Uint32Array(before.buffer)[9]!;
  const published = after.slice(322 * 64, (322 + usedBlocks * 2) * 64);
  assertEquals(published, before.slice(322 * 64, (322 + usedBlocks * 2) * 64));
});

Deno.test("extend() refuses what the class has no room for, and changes nothing", () => {
  const image = mustPublish(memory, { entries: [entry({ identity: 300 })] }, slotOf);
  const before = image.bytes.slice();
  assertThrows(
    () => memory.builder.extend(image, [entry({ identity: 5000 })], OWN_SLOT),
    ImageFullError,
    `Cannot extend image "policy 1": size class S is full`,
  );
  const many = isolatedPorts(300, (port) => ({ identity: 301, cookie: port }));
  assertThrows(() => memory.builder.extend(image, many, slotOf), ImageFullError);
  assertThrows(() => memory.builder.extend(image, [entry({})], slotOf), TypeError);
  assertEquals(image.bytes.slice(), before);
});

Deno.test("extend() one peer after the other gives the same answers and bytes, refusals between", () => {
  const tooMany = isolatedPorts(300, (port) => ({ identity: 301, cookie: port }));
  fc.assert(
    fc.property(randomMapState(40), fc.nat(7), (random, refusedAt) => {
      const mapState = withOwnCookies(random);
      const broad = mapState.entries.filter((e) => e.identity === 0);
      const image = mustPublish(memory, { entries: broad }, slotOf);
      const copy = image.bytes.slice();
      for (const [i, identity] of IDENTITIES.filter((id) => id > 0).entries()) {
        if (i === refusedAt) {
          const refused = () => memory.builder.extend(image, tooMany, slotOf);
          if (image.sizeClass === "S") assertThrows(refused, ImageFullError);
        }
        const added = mapState.entries.filter((e) => e.identity === identity);
        const spans = added.length > 0 ? memory.builder.extend(image, added, slotOf) : [];
        for (const span of spans) copy.set(image.span(span), span.first * 64);
        assertEquals(copy, image.bytes.slice());
      }
      mustAgree(mapState, [...IDENTITIES, STRANGER], slotOf);
    }),
    seeded(60),
  );
});

Deno.test("extend() adds a profile once, also to an image that was not built with it", () => {
  const ports = (identity: number) => isolatedPorts(20, (port) => ({ identity, cookie: port }));
  const image = mustPublish(memory, { entries: ports(300) }, slotOf);
  const cells = (spans: readonly { first: number; lines: number }[]) =>
    spans.every(({ first, lines }) => first < 258 && lines === 1);
  assert(cells(memory.builder.extend(image, ports(301), slotOf)));
  assert(cells(memory.builder.extend(image, ports(65536), slotOf)));
});

Deno.test("clearSlot() leaves a peer to the broad entries", () => {
  const broad = entry({ protocol: 6, cookie: 1 });
  const own = entry({ identity: 300, cookie: 2 });
  const image = mustPublish(memory, canonical([broad, own]), slotOf);
  const spans = memory.builder.clearSlot(image, slotOf(300));
  assert(spans.every(({ first, lines }) => first >= 2 && lines === 1));
  mustAgree({ entries: [broad] }, [300], slotOf);
});

Deno.test("free() gives table numbers and memory back", () => {
  const build = () =>
    memory.builder.build({ policy: 1, revision: 1, mapState: { entries: [] } }, slotOf);
  const use = () => {
    const image = build();
    memory.builder.extend(image, [entry({ identity: 300 })], slotOf);
    memory.builder.free(image);
    return image;
  };
  const first = use();
  const size = memory.wasm.memory.buffer.byteLength;
  for (let i = 0; i < 1000; i++) use();
  assertEquals(memory.wasm.memory.buffer.byteLength, size);
  const again = build();
  assertEquals([again.table, again.address], [first.table, first.address]);
  memory.builder.free(again);
});
