import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  decodeLpmPolicy,
  encodeLpmPolicy,
  type LpmPolicyEntry,
} from "../../src/datapath/lpm_policy_map.ts";
import type { MapStateEntry } from "../../src/policy/map_state.ts";
import { canonical, entry, seeded } from "./_map_state.ts";

/** Bytes as `bpftool map dump` shows them. */
function hex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text.trim().split(/\s+/), (byte) => parseInt(byte, 16));
}

interface Fixture {
  readonly description: string;
  readonly entry: MapStateEntry;
  readonly key: string;
  readonly value: string;
  readonly decoded: LpmPolicyEntry;
}

const NOTHING = {
  deny: false,
  redirect: false,
  proxyPort: 0,
  authType: 0,
  hasExplicitAuth: true,
} as const;

/** Port of redirect 7; the others have none. */
const proxyPortOf = (id: number) => id === 7 ? 15001 : 0;

const FIXTURES: Fixture[] = [
  {
    description: "one port of one peer",
    entry: entry({
      identity: 0x0001_2345,
      protocol: 6,
      port: 8080,
      portPrefix: 16,
      precedence: 0xFFFF_FF01,
      cookie: 0x1234_5678,
    }),
    key: "40 00 00 00  45 23 01 00  00 06 1f 90",
    value: "00 00 c0 80  01 ff ff ff  78 56 34 12",
    decoded: {
      ...NOTHING,
      identity: 0x0001_2345,
      direction: "ingress",
      protocol: 6,
      port: 8080,
      portPrefix: 16,
      precedence: 0xFFFF_FF01,
      cookie: 0x1234_5678,
    },
  },
  {
    description: "a deny of a range, at egress",
    entry: entry({
      identity: 300,
      direction: "egress",
      protocol: 17,
      port: 8080,
      portPrefix: 12,
      verdict: "deny",
      precedence: 0xFFFF_FFFF,
      cookie: 5,
    }),
    key: "3c 00 00 00  2c 01 00 00  01 11 1f 90",
    value: "00 00 a1 80  ff ff ff ff  05 00 00 00",
    decoded: {
      ...NOTHING,
      identity: 300,
      direction: "egress",
      protocol: 17,
      port: 8080,
      portPrefix: 12,
      deny: true,
      precedence: 0xFFFF_FFFF,
      cookie: 5,
    },
  },
  {
    description: "everything, after authentication",
    entry: entry({ identity: 0, authType: 1, precedence: 2, cookie: 0 }),
    key: "28 00 00 00  00 00 00 00  00 00 00 00",
    value: "00 00 00 81  02 00 00 00  00 00 00 00",
    decoded: {
      ...NOTHING,
      identity: 0,
      direction: "ingress",
      protocol: 0,
      port: 0,
      portPrefix: 0,
      authType: 1,
      precedence: 2,
      cookie: 0,
    },
  },
  {
    description: "a redirect, of one protocol",
    entry: entry({ protocol: 6, verdict: "redirect", redirect: 7, precedence: 2, cookie: 1 }),
    key: "30 00 00 00  00 00 00 00  00 06 00 00",
    value: "3a 99 42 80  02 00 00 00  01 00 00 00",
    decoded: {
      ...NOTHING,
      identity: 0,
      direction: "ingress",
      protocol: 6,
      port: 0,
      portPrefix: 0,
      redirect: true,
      proxyPort: 15001,
      precedence: 2,
      cookie: 1,
    },
  },
];

for (const { description, entry, key, value, decoded } of FIXTURES) {
  Deno.test(`encodeLpmPolicy() writes Cilium's bytes: ${description}`, () => {
    const { keys, values, count } = encodeLpmPolicy([entry], proxyPortOf);
    assertEquals({ keys, values, count }, { keys: hex(key), values: hex(value), count: 1 });
  });

  Deno.test(`decodeLpmPolicy() reads Cilium's bytes: ${description}`, () => {
    assertEquals(decodeLpmPolicy({ keys: hex(key), values: hex(value) }), [decoded]);
  });
}

Deno.test("encodeLpmPolicy() tells a redirect without a proxy from an allow", () => {
  const silent = entry({ protocol: 6, verdict: "redirect", redirect: 8 });
  const [read] = decodeLpmPolicy(encodeLpmPolicy([silent], proxyPortOf));
  assertEquals([read?.redirect, read?.proxyPort, read?.deny], [true, 0, false]);
});

Deno.test("encodeLpmPolicy() refuses an authentication type that has no room", () => {
  assertThrows(
    () => encodeLpmPolicy([entry({}), entry({ authType: 128 })], proxyPortOf),
    RangeError,
    'Cannot encode map state entry "1": authType is 128, expected 0 to 127',
  );
});

Deno.test("decodeLpmPolicy() gives back what encodeLpmPolicy() was given", () => {
  const port = fc.record({
    protocol: fc.constantFrom(6, 17, 132),
    bits: fc.nat(16),
    port: fc.nat(65535),
  });
  const entries = fc.array(
    fc.record({ identity: fc.nat(), egress: fc.boolean(), port, deny: fc.boolean() }),
    { maxLength: 20 },
  );
  fc.assert(
    fc.property(entries, (rows) => {
      const state = canonical(
        rows.map(({ identity, egress, port: { protocol, bits, port }, deny }) =>
          entry({
            identity,
            direction: egress ? "egress" : "ingress",
            protocol,
            portPrefix: bits,
            port: port & ~(0xFFFF >> bits),
            verdict: deny ? "deny" : "allow",
          })
        ),
      );
      const read = decodeLpmPolicy(encodeLpmPolicy(state.entries, () => 0));
      const expected = state.entries.map(({ verdict, redirect: _none, ...rest }) => ({
        ...rest,
        ...NOTHING,
        deny: verdict === "deny",
      }));
      assertEquals(read, expected);
    }),
    seeded(200),
  );
});

const WRONG: { description: string; key: string; value: string; message: string }[] = [
  {
    description: "a prefix length inside the protocol",
    key: "2c 00 00 00  00 00 00 00  00 06 00 00",
    value: "00 00 20 80  00 00 00 00  00 00 00 00",
    message: 'Cannot read policy map entry "0": prefix length 44, expected 40, or 48 to 64',
  },
  {
    description: "a prefix length beyond the key",
    key: "41 00 00 00  00 00 00 00  00 06 00 00",
    value: "00 00 c8 80  00 00 00 00  00 00 00 00",
    message: 'Cannot read policy map entry "0": prefix length 65, expected 40, or 48 to 64',
  },
  {
    description: "a prefix length of less than identity and direction",
    key: "20 00 00 00  00 00 00 00  00 00 00 00",
    value: "00 00 00 80  00 00 00 00  00 00 00 00",
    message: 'Cannot read policy map entry "0": prefix length 32, expected 40, or 48 to 64',
  },
  {
    description: "a third direction",
    key: "28 00 00 00  00 00 00 00  02 00 00 00",
    value: "00 00 00 80  00 00 00 00  00 00 00 00",
    message: 'Cannot read policy map entry "0": direction 2, expected 0 or 1',
  },
  {
    description: "a port behind its prefix",
    key: "3c 00 00 00  00 00 00 00  00 06 1f 91",
    value: "00 00 a0 80  00 00 00 00  00 00 00 00",
    message:
      'Cannot read policy map entry "0": port 8081 in 60 bits, expected no bits behind the prefix',
  },
  {
    description: "a protocol behind its prefix",
    key: "28 00 00 00  00 00 00 00  00 06 00 00",
    value: "00 00 00 80  00 00 00 00  00 00 00 00",
    message:
      'Cannot read policy map entry "0": protocol 6 in 40 bits, expected a protocol where its bits count',
  },
  {
    description: "an entry that is another key's",
    key: "30 00 00 00  00 00 00 00  00 06 00 00",
    value: "00 00 c0 80  00 00 00 00  00 00 00 00",
    message: 'Cannot read policy map entry "0": prefix length 24, expected the key\'s 8',
  },
];

for (const { description, key, value, message } of WRONG) {
  Deno.test(`decodeLpmPolicy() refuses ${description}`, () => {
    assertThrows(
      () => decodeLpmPolicy({ keys: hex(key), values: hex(value) }),
      RangeError,
      message,
    );
  });
}

Deno.test("decodeLpmPolicy() refuses keys without their entries", () => {
  assertThrows(
    () => decodeLpmPolicy({ keys: new Uint8Array(24), values: new Uint8Array(12) }),
    RangeError,
    "24 of keys and 12 of entries, expected 12 and 12 for each",
  );
});
