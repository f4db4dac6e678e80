import { replaceWith } from "../cluster/change.ts";
import type { ClusterObject } from "../cluster/object.ts";
import { PolicyEngine, type PolicyEngineOptions } from "./engine.ts";
import type { PolicySnapshot } from "./snapshot.ts";

/**
 * Compiles a set of objects once, with identities of its own.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { readObjects } from "../cluster/read_objects.ts";
 * import { DEATH_STAR } from "../cluster/scenarios/death_star.ts";
 *
 * const { endpoints, policies } = await compileCluster(readObjects([DEATH_STAR]).objects);
 * assertEquals(endpoints.map(({ name }) => name), ["deathstar", "tiefighter", "xwing"]);
 * assertEquals(policies.map(({ enforced }) => enforced.ingress), [true, false, false]);
 * ```
 */
export async function compileCluster(
  objects: Iterable<ClusterObject>,
  options: PolicyEngineOptions = {},
): Promise<PolicySnapshot> {
  using engine = new PolicyEngine(options);
  return await engine.apply(replaceWith(objects));
}
