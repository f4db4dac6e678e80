import { readObjects } from "../cluster/read_objects.ts";
import type { EventKind, NodeState } from "../datapath/datapath.ts";
import type { Random } from "../verify/random.ts";
import { makeScenario } from "../verify/scenario.ts";
import { randomManifests } from "./random_manifests.ts";
import { damagedOf, ghostsOf, MERGE_MODES } from "./random_world.ts";
import type { World } from "./world.ts";

/** A node that the policy engine has compiled from a random cluster. */
export async function engineWorld(random: Random): Promise<World> {
  const manifests = randomManifests(random);
  const inputs = [{ name: "random", text: manifests }];
  const { objects, errors } = readObjects(inputs, { notYet: new Set() });
  const [error] = errors;
  if (error !== undefined) throw error;
  const { node: compiled } = await makeScenario(inputs, objects);
  const redirects = new Set(
    compiled.policies.flatMap(({ mapState }) => mapState.entries.flatMap((e) => e.redirect ?? [])),
  );
  const node: NodeState = {
    ...compiled,
    endpoints: compiled.endpoints.map((endpoint) => ({
      ...endpoint,
      audit: random.below(6) === 0,
      accounting: random.below(6) !== 0,
    })),
    policies: compiled.policies.map((policy) => ({
      ...policy,
      mergeMode: random.pick(MERGE_MODES),
    })),
    redirects: [...redirects].filter(() => random.below(4) !== 0)
      .map((id) => ({ id, port: 20_000 + id })),
    events: ["drop", "policy_verdict", "trace"] satisfies EventKind[],
    eventInterval: random.pick([0, 0, 0, 2, 30] as const),
  };
  return { node, ghosts: ghostsOf(random), damaged: damagedOf(random, node), manifests };
}
