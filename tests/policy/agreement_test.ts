/**
 * The naive reading of the rules, the compiled map state and the emulator say the same of
 * every flow at a boundary of random clusters with every feature.
 *
 * A case that fails is shrunk and printed as manifests. Set TWINPATH_SEED to repeat a run,
 * and TWINPATH_CASES for a longer one. With TWINPATH_SIDES only so many sides of flows are
 * asked in each cluster, evenly spread, instead of all: 20000 clusters then take minutes.
 */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { formatOrigin } from "../../src/policy/cookie.ts";
import { explain } from "../../src/policy/lookup.ts";
import type { SideVerdict } from "../../src/spec/evaluate.ts";
import type { Request } from "../../src/cluster/l7_request.ts";
import { answer, REQUESTS_OF } from "../generate/answers.ts";
import { CompiledWorld } from "../generate/compiled.ts";
import { type EmulatedVerdict, EmulatedWorld } from "../generate/emulated.ts";
import type { ReadWorld } from "../generate/features.ts";
import { type Side, sidesOf, titleOf } from "../generate/flows.ts";
import { readManifests } from "../generate/read.ts";
import { world } from "../generate/world.ts";

const SEED = Number(Deno.env.get("TWINPATH_SEED") ?? Date.now() % 0x7fffffff);
const SIDES = Number(Deno.env.get("TWINPATH_SIDES") ?? Infinity);
const CASES = Number(Deno.env.get("TWINPATH_CASES") ?? 200);

Deno.test("naive reading, map state and emulator agree on every flow of random clusters", async () => {
  const emulated = await EmulatedWorld.make();
  let flows = 0;
  let cases = 0;
  console.log(`seed ${SEED}`);
  await fc.assert(
    fc.asyncProperty(world, async (one) => {
      const read = { ...one, objects: readManifests(one.manifests) };
      const compiled = await CompiledWorld.make(read.objects, read.settings, read.names);
      emulated.load(compiled.snapshot);
      const sides = someOf(sidesOf(one, read.objects), cases++);
      const numbers = sides.map(({ subject }) => compiled.policyOf(subject)?.number ?? 0);
      const verdicts = emulated.ask(sides, numbers);
      for (const [i, side] of sides.entries()) {
        const spec = answer(read, side);
        mustCompile(read, compiled, side, spec);
        mustName(compiled, side, spec);
        // The program does not run for what has no policy.
        const emulator = verdicts[i];
        if (numbers[i] !== 0 && emulator !== undefined) mustEmulate(side, spec, emulator);
      }
      flows += sides.length;
    }),
    { seed: SEED, numRuns: CASES },
  );
  console.log(`${CASES} clusters, ${flows} sides of flows`);
});

/** Every so many of the sides, beginning elsewhere in each case. */
function someOf(sides: readonly Side[], at: number): readonly Side[] {
  const step = Math.ceil(sides.length / SIDES) || 1;
  return sides.filter((_, i) => i % step === at % step);
}

/** The reference lookup in the map state gives the naive verdict, with every request. */
function mustCompile(
  read: ReadWorld,
  compiled: CompiledWorld,
  side: Side,
  spec: SideVerdict,
): void {
  mustAgree(side, textOf(ask(compiled, side)), textOf(spec));
  for (const request of spec.redirect === undefined ? [] : REQUESTS_OF[spec.redirect.kind]) {
    const want = textOf(answer(read, side, request));
    mustAgree(side, textOf(ask(compiled, side, request)), want, request);
  }
}

/**
 * The entry that matches names rules that decide, if any do; it and the other entries that
 * have a say name them all. (They may name one more: the loser of an L7 conflict with the
 * entry that matches.)
 */
function mustName(compiled: CompiledWorld, side: Side, { rules }: SideVerdict): void {
  const deciding = rules.map(formatOrigin);
  const matched = ask(compiled, side).rules.map(formatOrigin);
  mustAgree(side, `names rules: ${matched.length > 0}`, `names rules: ${deciding.length > 0}`);
  const extra = matched.filter((origin) => !deciding.includes(origin));
  mustAgree(side, `wrongly named: ${extra.join(", ")}`, "wrongly named: ");
  const explained = explainedBy(compiled, side);
  const missing = deciding.filter((origin) => !explained.includes(origin));
  mustAgree(side, `not named: ${missing.join(", ")}`, "not named: ");
}

/** The emulator's tables give the naive verdict. */
function mustEmulate(side: Side, spec: SideVerdict, emulator: EmulatedVerdict): void {
  const want = `${spec.redirect === undefined ? spec.verdict : "redirect"} ${spec.reason}`;
  mustAgree(side, `${emulator.verdict} ${emulator.reason}`, want);
}

function mustAgree(side: Side, got: string, want: string, request?: Request): void {
  if (got === want) return;
  assertEquals(got, want, [titleOf(side), JSON.stringify(request)].join(" "));
}

function ask(compiled: CompiledWorld, side: Side, request?: Request): SideVerdict {
  const { subject, peer, direction, probe: { protocol, port } } = side;
  const identity = peer.address === undefined ? 0 : compiled.identityAt(peer.address);
  return compiled.ask(compiled.policyOf(subject), identity, direction, protocol, port, request);
}

/** Everything but the rules. */
function textOf({ verdict, reason, enforced, redirect, authentication }: SideVerdict): string {
  return JSON.stringify({ verdict, reason, enforced, redirect, authentication });
}

/** The rules of all entries that have a say. */
function explainedBy(compiled: CompiledWorld, { subject, peer, direction, probe }: Side): string[] {
  const policy = compiled.policyOf(subject);
  if (policy === undefined || peer.address === undefined) return [];
  const identity = compiled.identityAt(peer.address);
  return explain(policy.mapState, identity, direction, probe.protocol, probe.port)
    .flatMap(({ cookie }) => compiled.snapshot.rulesOf(cookie) ?? []).map(formatOrigin);
}
