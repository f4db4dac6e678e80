import type { IpAddress } from "../../src/cluster/ip_address.ts";
import type { ClusterObject } from "../../src/cluster/object.ts";
import type { RuleDirection } from "../../src/cluster/rule.ts";
import { replaceWith } from "../../src/cluster/change.ts";
import type { Request } from "../../src/cluster/l7_request.ts";
import { RESERVED } from "../../src/identity/reserved.ts";
import { PolicyEngine } from "../../src/policy/engine.ts";
import { type L7Matcher, l7Matcher } from "../../src/policy/l7_matcher.ts";
import { lookup } from "../../src/policy/lookup.ts";
import type { Redirect } from "../../src/policy/redirect.ts";
import type { Policy, PolicySnapshot } from "../../src/policy/snapshot.ts";
import type { SideVerdict } from "../../src/spec/evaluate.ts";
import type { DnsFacts } from "../../src/spec/flow.ts";
import type { End } from "./flows.ts";
import { NODES } from "./universe.ts";
import type { WorldSettings } from "./world.ts";

/** What the engine says of flows, in the words of the naive evaluator. */
export class CompiledWorld {
  readonly snapshot: PolicySnapshot;
  readonly #identities = new Map<string, number>();
  readonly #matchers = new Map<number, L7Matcher>();

  private constructor(snapshot: PolicySnapshot) {
    this.snapshot = snapshot;
  }

  /** Compiles a world as the first node sees it. */
  static async make(
    objects: readonly ClusterObject[],
    settings: WorldSettings,
    names: DnsFacts,
  ): Promise<CompiledWorld> {
    const { allowLocalhost, mode, cidrMatchMode } = settings;
    using engine = new PolicyEngine({
      settings: {
        localNode: NODES[0].name,
        allowLocalhost,
        enforcement: mode,
        cidrMatchesNodes: cidrMatchMode.includes("nodes"),
      },
    });
    await engine.applyNames([...names].map(([name, addresses]) => ({ name, addresses })));
    return new CompiledWorld(await engine.apply(replaceWith(objects)));
  }

  /** The policy of a pod or of a node; `undefined` where none is enforced on this node. */
  policyOf({ title, pod }: Pick<End, "title" | "pod">): Policy | undefined {
    const { endpoints, hosts } = this.snapshot;
    const number = pod === undefined
      ? hosts.find(({ name }) => name === title)?.policy
      : endpoints.find((e) => e.namespace === pod.namespace && e.name === pod.name)?.policy;
    return number === undefined ? undefined : this.snapshot.policy(number);
  }

  /** The identity of an address: that of the longest prefix, or the world's. */
  identityAt(address: IpAddress): number {
    const known = this.#identities.get(address.text);
    if (known !== undefined) return known;
    const identity = this.#lookUp(address);
    this.#identities.set(address.text, identity);
    return identity;
  }

  #lookUp(address: IpAddress): number {
    let best = { length: -1, identity: worldOf(address) };
    const bits = bitsOf(address);
    for (const entry of this.snapshot.ipcache) {
      const length = entry.prefixLength ?? bits.length;
      if (entry.address.family !== address.family || length <= best.length) continue;
      if (!bits.startsWith(bitsOf(entry.address).slice(0, length))) continue;
      best = { length, identity: entry.identity };
    }
    return best.identity;
  }

  /** What a policy says; without policy everything is allowed. */
  ask(
    policy: Policy | undefined,
    identity: number,
    direction: RuleDirection,
    protocol: number,
    port: number,
    request?: Request,
  ): SideVerdict {
    if (policy === undefined) return { verdict: "allow", enforced: false, rules: [] };
    const enforced = policy.enforced[direction];
    const found = lookup(policy.mapState, identity, direction, protocol, port);
    if (found.verdict === "deny") {
      const rules = "entry" in found ? this.snapshot.rulesOf(found.entry.cookie) ?? [] : [];
      return { verdict: "deny", reason: found.reason, enforced, rules };
    }
    const { cookie, authType, redirect } = found.entry;
    return {
      verdict: "allow",
      enforced,
      rules: this.snapshot.rulesOf(cookie) ?? [],
      ...(redirect === undefined ? {} : { redirect: this.#redirect(redirect, request) }),
      ...(authType === 0
        ? {}
        : { authentication: authType === 1 ? "required" : "test-always-fail" }),
    };
  }

  #redirect(id: number, request: Request | undefined): NonNullable<SideVerdict["redirect"]> {
    const redirect = this.snapshot.redirectOf(id);
    if (redirect === undefined || redirect.kind === "listener") {
      throw new RangeError(`Cannot read redirect "${id}": unknown, expected a protocol`);
    }
    const { kind } = redirect;
    if (request === undefined) return { kind };
    let matcher = this.#matchers.get(id);
    if (matcher === undefined) this.#matchers.set(id, matcher = mustMatch(redirect));
    return { kind, verdict: matcher(request) ? "allow" : "deny" };
  }
}

function mustMatch(redirect: Redirect): L7Matcher {
  const matcher = l7Matcher(redirect);
  if (matcher !== undefined) return matcher;
  throw new RangeError(`Cannot match requests of redirect "${redirect.id}": a listener`);
}

function worldOf({ family }: IpAddress): number {
  return family === 4 ? RESERVED.WORLD_IPV4 : RESERVED.WORLD_IPV6;
}

function bitsOf({ family, words }: IpAddress): string {
  const used = family === 4 ? words.slice(0, 1) : words;
  return used.map((word) => word.toString(2).padStart(32, "0")).join("");
}
