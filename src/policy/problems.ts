import type { RuleOrigin } from "../cluster/rule.ts";
import { REMOTE_NODE_SCOPE } from "../identity/identity.ts";
import type { Ipcache } from "../identity/ipcache.ts";
import { RESERVED } from "../identity/reserved.ts";
import type { PolicySet } from "./policy_set.ts";

/** Two rules want different protocols on one port: the older one wins, wherever it is asked. */
export class L7ConflictError extends RangeError {
  override readonly name = "L7ConflictError";
}

/** What contradicts itself in the state of the cluster. Nothing is left out for it. */
export function* problemsOf(ipcache: Ipcache, policies: PolicySet): Generator<Error> {
  for (const { entry, holder } of ipcache.conflicts()) {
    // What is said of the world does not hold for what is known better.
    if (entry.source === "world") continue;
    // Pods of the host network share the addresses of their node.
    if (isNode(entry.identity) && isNode(holder.identity)) continue;
    yield new RangeError(
      `Cannot use address "${entry.address.text}" for ${entry.owner}: ` +
        `held by ${holder.owner}, expected one pod per address`,
    );
  }
  const told = new Set<string>();
  for (const policy of policies.policies) {
    if (!policy.isOdd) continue;
    if (policy.problem !== undefined) yield policy.problem;
    for (const { winner, loser } of policy.conflicts()) {
      const message = `Cannot enforce L7 rules of "${nameOf(loser.origin)}": ` +
        `${nameOf(winner.origin)} has another protocol on the same port, expected one`;
      if (told.has(message)) continue;
      told.add(message);
      yield new L7ConflictError(message);
    }
  }
}

function isNode(identity: number): boolean {
  return identity === RESERVED.HOST || identity === RESERVED.REMOTE_NODE ||
    identity === RESERVED.KUBE_APISERVER || identity >= REMOTE_NODE_SCOPE;
}

function nameOf({ namespace, name, direction, index }: RuleOrigin): string {
  return `${namespace === "" ? "" : `${namespace}/`}${name} ${direction}[${index}]`;
}
