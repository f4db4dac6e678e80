/**
 * The naive reading of the rules, the compiled map state and the emulator say the same of
 * every flow at a boundary of random clusters with every feature.
 *
 * A case that fails is shrunk and printed as manifests. Set TWINPATH_SEED to repeat a run,
 * and TWINPATH_CASES for a longer one (20000 take about a quarter of an hour).
 */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { formatOrigin } from "../../src/policy/cookie.ts";
import { explain } from "../../src/policy/lookup.ts";
import type { SideVerdict } from "../../src/spec/evaluate.ts";
import type { Request } from "../../src/spec/l7.ts";
import { answer, REQUESTS_OF } from "../generate/answers.ts";
import { CompiledWorld } from "../generate/compiled.ts";
import { EmulatedWorld } from "../generate/emulated.ts";
import type { ReadWorld } from "../generate/features.ts";
import { type Side, sidesOf, titleOf } from "../generate/flows.ts";
import { readManifests } from "../generate/read.ts";
import { type World, world } from "../generate/world.ts";

const SEED = Number(Deno.env.get("TWINPATH_SEED") ?? Date.now() % 0x7fffffff);
const CASES = Number(Deno.env.get("TWINPATH_CASES") ?? 200);

/** Features that the compiler does not have yet: their worlds are passed over. */
const NOT_COMPILED: readonly ((world: ReadWorld) => boolean)[] = [];

/** Checks every side of every world, and counts what was asked. */
async function mustHold(
  check: (world: World, read: ReadWorld, compiled: CompiledWorld) => number,
): Promise<void> {
  let flows = 0;
  console.log(`seed ${SEED}`);
  await fc.assert(
    fc.asyncProperty(world, async (one) => {
      const read = { ...one, objects: readManifests(one.manifests) };
      if (NOT_COMPILED.some((asksFor) => asksFor(read))) return;
      const compiled = await CompiledWorld.make(read.objects, read.settings, read.names);
      flows += check(one, read, compiled);
    }),
    { seed: SEED, numRuns: CASES },
  );
  console.log(`${CASES} clusters, ${flows} sides of flows`);
}

Deno.test("compiled map state agrees with the naive reading on every flow and request", async () => {
  await mustHold((world, read, compiled) => {
    const sides = sidesOf(world, read.objects);
    for (const side of sides) {
      const want = answer(read, side);
      mustAgree(side, textOf(ask(compiled, side)), textOf(want));
      const requests = want.redirect === undefined ? [] : REQUESTS_OF[want.redirect.kind];
      for (const request of requests) {
        const got = textOf(ask(compiled, side, request));
        mustAgree(side, got, textOf(answer(read, side, request)), request);
      }
    }
    return sides.length;
  });
});

Deno.test("emulator agrees with the naive reading on every flow", async () => {
  const emulated = await EmulatedWorld.make();
  await mustHold((world, read, compiled) => {
    emulated.load(compiled.snapshot);
    const sides = sidesOf(world, read.objects)
      .filter(({ subject }) => compiled.policyOf(subject) !== undefined);
    const policies = sides.map(({ subject }) => compiled.policyOf(subject)?.number ?? 0);
    const verdicts = emulated.ask(sides, policies);
    for (const [i, side] of sides.entries()) {
      const { verdict, reason, redirect } = answer(read, side);
      const want = [redirect === undefined ? verdict : "redirect", reason].join(" ");
      mustAgree(side, [verdicts[i]?.verdict, verdicts[i]?.reason].join(" "), want);
    }
    return sides.length;
  });
});

Deno.test("rules behind a verdict are rules that the naive reading names", async () => {
  await mustHold((world, read, compiled) => {
    const sides = sidesOf(world, read.objects);
    for (const side of sides) {
      const named = namedBy(compiled, side);
      const deciding = answer(read, side).rules.map(formatOrigin);
      const extra = named.filter((origin) => !deciding.includes(origin));
      mustAgree(side, extra.join(", "), "");
      mustAgree(side, String(named.length > 0), String(deciding.length > 0));
    }
    return sides.length;
  });
});

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
function namedBy(compiled: CompiledWorld, { subject, peer, direction, probe }: Side): string[] {
  const policy = compiled.policyOf(subject);
  if (policy === undefined || peer.address === undefined) return [];
  const identity = compiled.identityAt(peer.address);
  return explain(policy.mapState, identity, direction, probe.protocol, probe.port)
    .flatMap(({ cookie }) => compiled.snapshot.rulesOf(cookie) ?? []).map(formatOrigin);
}
