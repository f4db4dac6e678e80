import { assert, assertEquals } from "@std/assert";
import { NETWORK6 } from "../../bench/addresses.ts";
import {
  addressQueries,
  PolicyQueries,
  QUERY_WORDS,
  toEmulatorQueries,
} from "../../bench/queries.ts";
import { sharedWorkload, signatureWorkload } from "../../bench/workloads.ts";

const SHAPE = { policies: 4, peers: 50, signatures: 5, ports: 40 };

function queriesOf(workload: ReturnType<typeof signatureWorkload>, count: number): Uint32Array {
  const queries = new PolicyQueries(workload, count);
  for (let number = 1; number <= workload.policies; number++) queries.ask(workload.policy(number));
  return queries.words;
}

Deno.test("PolicyQueries asks the same for a seed", () => {
  assertEquals(queriesOf(sharedWorkload(96), 500), queriesOf(sharedWorkload(96), 500));
});

Deno.test("PolicyQueries mixes the queries of all policies", () => {
  const words = queriesOf(signatureWorkload(SHAPE), 400);
  const policies = Array.from({ length: 400 }, (_, i) => words[i * QUERY_WORDS]);
  assertEquals(new Set(policies), new Set([1, 2, 3, 4]));
  assert(new Set(policies.slice(0, 20)).size > 1);
});

Deno.test("PolicyQueries asks for known and for unknown peers", () => {
  const identities = new Set<number | undefined>();
  const words = queriesOf(sharedWorkload(1000), 1000);
  for (let i = 0; i < 1000; i++) identities.add(words[i * QUERY_WORDS + 2]);
  assert(identities.has(1) && identities.has(2) && identities.has((1 << 24) + 1));
  assert(identities.size > 100);
});

Deno.test("addressQueries() writes family and address, in network byte order", () => {
  const bytesOf = (family: 4 | 6) =>
    new Uint8Array(addressQueries(Uint32Array.of(0x0A000001), family).buffer, 5 * 4);
  const padded = (...bytes: number[]) => [...bytes, ...new Array(20 - bytes.length).fill(0)];
  assertEquals([...bytesOf(4)], padded(4, 0, 0, 0, 10, 0, 0, 1));
  assertEquals([...bytesOf(6)], [6, 0, 0, 0, ...NETWORK6, 10, 0, 0, 1]);
});

Deno.test("toEmulatorQueries() keeps policy, direction, slot and key", () => {
  const [policy, direction, identity, slot, key] = [1, 0, 300, 256, 0x060050];
  const address = [4, 9, 0, 0, 0];
  const queries = [policy, direction, identity, slot, key, ...address, 2, 1, 0, 0, 7, ...address];
  const asked = toEmulatorQueries(Uint32Array.from(queries));
  assertEquals([...asked], [1, 0, 256, 0x060050, 2, 1, 0, 7]);
});
