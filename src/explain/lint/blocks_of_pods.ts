import { containsAddress, type IpPrefix } from "../../cluster/ip_prefix.ts";
import type { Finding, LintContext } from "./finding.ts";

/**
 * Address blocks that hold pods or services of the cluster: blocks are for addresses outside
 * of it, and say nothing about pods.
 * https://docs.cilium.io/en/stable/security/policy/layer3/#ip-cidr-based
 */
export function* blocksOfPods(context: LintContext): Generator<Finding> {
  const holders = holdersOf(context);
  for (const { origin, peers } of context.rules) {
    if (peers === "all") continue;
    for (const selector of peers) {
      if (selector.kind !== "cidr" || selector.cidr.length === 0) continue;
      const held = holders.find(({ address }) => isIn(address, selector.cidr, selector.except));
      if (held === undefined) continue;
      yield context.finding(
        "block-of-pods",
        origin,
        `names ${selector.cidr.text}, which holds ${held.name} (${held.address.text}): blocks ` +
          `are for addresses outside of the cluster`,
      );
    }
  }
}

interface Holder {
  readonly name: string;
  readonly address: IpPrefix["address"];
}

function holdersOf({ objects }: LintContext): Holder[] {
  return objects.flatMap((object): Holder[] => {
    if (object.kind === "Pod") {
      const name = `pod ${object.namespace}/${object.name}`;
      return object.addresses.map((address) => ({ name, address }));
    }
    if (object.kind !== "Service") return [];
    const name = `service ${object.namespace}/${object.name}`;
    return object.clusterIps.map((address) => ({ name, address }));
  });
}

function isIn(address: Holder["address"], cidr: IpPrefix, except: readonly IpPrefix[]): boolean {
  return containsAddress(cidr, address) && !except.some((block) => containsAddress(block, address));
}
