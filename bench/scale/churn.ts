/**
 * The argument of identity-based policy as a number: what a node's maps receive when pods come,
 * once keyed by identity, once as if every rule named addresses.
 *
 * @module
 */
import {
  IPCACHE4_KEY_SIZE,
  IPCACHE_INFO_SIZE,
  LPM_POLICY_ENTRY_SIZE,
  LPM_POLICY_KEY_SIZE,
} from "../../src/datapath/layout.ts";
import type { Pod } from "../../src/cluster/object.ts";
import type { NodeView } from "./node_view.ts";

/** Bytes per event, on average. */
export interface ChurnCost {
  /** One line of the ipcache per pod, and image lines where an identity is new. */
  readonly byIdentity: number;
  /** One policy entry per pod in each local policy whose rules select it, and per port. */
  readonly byAddress: number;
}

/** Adds pods, as a rollout does. */
export async function churn(view: NodeView, pods: readonly Pod[]): Promise<ChurnCost> {
  let byIdentity = 0;
  let byAddress = 0;
  for (const object of pods) {
    const { bytes } = await view.apply([{ type: "upsert", object }]);
    const { ipcache } = view.snapshot.changes;
    byIdentity += bytes + ipcache.length * (IPCACHE4_KEY_SIZE + IPCACHE_INFO_SIZE);
    byAddress += entriesByAddress(view, ipcache.map(({ identity }) => identity)) *
      (LPM_POLICY_KEY_SIZE + LPM_POLICY_ENTRY_SIZE);
  }
  return { byIdentity: byIdentity / pods.length, byAddress: byAddress / pods.length };
}

/** Entries for these peers in the policies of all local endpoints, which then share nothing. */
function entriesByAddress({ snapshot }: NodeView, identities: readonly number[]): number {
  let count = 0;
  for (const endpoint of snapshot.endpoints) {
    const mapState = snapshot.policy(endpoint.policy)?.mapState;
    for (const identity of identities) count += mapState?.entriesOf(identity).length ?? 0;
  }
  return count;
}
