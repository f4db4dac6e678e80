import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { RECORD_WORDS } from "../../bench/map_state.ts";
import {
  type Policy,
  recordWords,
  sharedWorkload,
  signatureWorkload,
  uniqueWorkload,
  type Workload,
  writeMapState,
} from "../../bench/workloads.ts";
import { compareEntries, type MapStateKey } from "../../src/policy/map_state.ts";

const SMALL = { policies: 3, peers: 100, signatures: 10, ports: 40 };

const WORKLOADS: readonly { name: string; make: (seed?: number) => Workload; entries: number }[] = [
  { name: "sharedWorkload()", make: (seed) => sharedWorkload(1000, seed), entries: 1000 },
  { name: "uniqueWorkload()", make: (seed) => uniqueWorkload(1000, seed), entries: 1000 },
  { name: "signatureWorkload()", make: (seed) => signatureWorkload(SMALL, seed), entries: 4004 },
];

function records(policy: Policy): Uint32Array {
  const words = new Uint32Array(recordWords(policy));
  assertEquals(writeMapState(policy, words), policy.entryCount);
  return words;
}

function keys(words: Uint32Array): MapStateKey[] {
  return Array.from({ length: words.length / RECORD_WORDS }, (_, i) => {
    const [identity = 0, , portAndProtocol = 0, direction = 0] = words.subarray(i * RECORD_WORDS);
    return {
      identity,
      direction: direction & 0xFF ? "egress" : "ingress",
      protocol: portAndProtocol >>> 24,
      port: portAndProtocol & 0xFFFF,
      portPrefix: portAndProtocol >>> 16 & 0xFF,
    };
  });
}

for (const { name, make, entries } of WORKLOADS) {
  Deno.test(`${name} is the same for a seed, and only for that seed`, () => {
    assertEquals(records(make(7).policy(1)), records(make(7).policy(1)));
    assertNotEquals(records(make(7).policy(1)), records(make(8).policy(1)));
  });

  Deno.test(`${name} has exactly the entries it is named after`, () => {
    assertEquals(make().policy(1).entryCount, entries);
    assertEquals(records(make().policy(1)).length, entries * RECORD_WORDS);
  });

  Deno.test(`${name} writes map state in canonical order, no key twice`, () => {
    const found = keys(records(make().policy(1)));
    const misplaced = found.findIndex((key, i) => {
      const previous = found[i - 1];
      return previous !== undefined && compareEntries(previous, key) >= 0;
    });
    assertEquals(misplaced, -1);
  });

  Deno.test(`${name} numbers its peers densely and names each once`, () => {
    const { peers } = make().policy(1);
    const slots = peers.map(({ slot }) => slot).sort((a, b) => a - b);
    assertEquals(slots, Array.from({ length: peers.length }, (_, i) => 256 + i));
    assertEquals(new Set(peers.map(({ identity }) => identity)).size, peers.length);
    assert(peers.every(({ identity }) => identity >= 256 && identity <= 65535));
  });
}

function profiles(policy: Policy): Set<string> {
  return new Set(policy.peers.map(({ rules }) => JSON.stringify(rules)));
}

Deno.test("sharedWorkload() has 64 templates, however many peers", () => {
  // One more: the last peer's entries are cut to fit.
  const count = profiles(sharedWorkload(16384).policy(1)).size;
  assert(count === 64 || count === 65, `${count} profiles`);
});

Deno.test("uniqueWorkload() gives every peer a profile of its own", () => {
  const policy = uniqueWorkload(65536).policy(1);
  assertEquals(profiles(policy).size, policy.peers.length);
});

Deno.test("signatureWorkload() has the same peers in every policy, with other rules", () => {
  const workload = signatureWorkload(SMALL);
  const [first, second] = [workload.policy(1), workload.policy(2)];
  const names = (policy: Policy) => policy.peers.map(({ identity, slot }) => [identity, slot]);
  assertEquals(names(first), names(second));
  assertEquals(profiles(first).size, SMALL.signatures);
  assertEquals(profiles(first).isDisjointFrom(profiles(second)), true);
});
