/**
 * A cluster to verify: the same manifests once as compiled state for the datapaths, and
 * once as parsed text for the naive reading.
 *
 * @module
 */
import { replaceWith } from "../cluster/change.ts";
import type { IpAddress } from "../cluster/ip_address.ts";
import { type IpPrefix, ipPrefixOf } from "../cluster/ip_prefix.ts";
import type { ClusterObject } from "../cluster/object.ts";
import type { ManifestText } from "../cluster/read_objects.ts";
import type { RuleDirection, RuleOrigin } from "../cluster/rule.ts";
import type { EndpointState, NodeState } from "../datapath/datapath.ts";
import { PolicyEngine } from "../policy/engine.ts";
import type { Redirect } from "../policy/redirect.ts";
import type { PolicySnapshot } from "../policy/snapshot.ts";
import { type EvaluateOptions, evaluateSide, type SideVerdict } from "../spec/evaluate.ts";
import type { Flow } from "../spec/flow.ts";
import { addressOfBytes } from "./address.ts";
import { withAddresses } from "./made_up_address.ts";
import { namedBlocks } from "./named_blocks.ts";
import { hostEndpoints, nodeOf } from "./node_of.ts";
import { Parties, type Party } from "./parties.ts";
import { engineSettings, type ScenarioOptions, specOptions } from "./scenario_options.ts";

/** A cluster, compiled and as text. */
export interface Scenario {
  /** What was read, for reproducers. */
  readonly manifests: readonly ManifestText[];
  readonly options: ScenarioOptions;
  /** What was read; every pod has an address. */
  readonly objects: readonly ClusterObject[];
  readonly snapshot: PolicySnapshot;
  /** The node as datapaths load it. */
  readonly node: NodeState;
  /** Every block and address that anything but a pod names. */
  readonly blocks: readonly IpPrefix[];
  /** Identities that somebody has. */
  readonly identities: readonly number[];
  /** A proxy listens for every redirect; else for none, and such packets are dropped. */
  readonly hasProxies: boolean;
  /** The same without proxies. */
  withoutProxies(): Scenario;
  /** The endpoint with this id. */
  endpoint(id: number): { readonly state: EndpointState; readonly party: Party };
  /** The endpoint that has an address. */
  endpointAt(address: IpAddress): EndpointState | undefined;
  /** Who is behind an address, by the manifests. */
  partyAt(address: IpAddress): Party;
  /** Who has an identity; for identities that travel in a mark. */
  partyOf(identity: number): Party;
  /** What the text of the policies says of one side of a flow. */
  evaluate(flow: Flow, direction: RuleDirection): SideVerdict;
  /** The rules that a cookie names. */
  rulesOf(cookie: number): readonly RuleOrigin[] | undefined;
  /** The redirect whose proxy listens on a port. */
  redirectAt(port: number): Redirect | undefined;
}

/**
 * Compiles a cluster. Pods without an address are given one, so that packets can be made.
 *
 * @param objects What was read from `manifests`.
 */
export async function makeScenario(
  manifests: readonly ManifestText[],
  objects: readonly ClusterObject[],
  options: ScenarioOptions = {},
): Promise<Scenario> {
  const addressed = withAddresses(objects);
  using engine = new PolicyEngine({ settings: engineSettings(options) });
  const names = [...options.names ?? []].map(([name, addresses]) => ({ name, addresses }));
  await engine.applyNames(names);
  const snapshot = await engine.apply(replaceWith(addressed));
  return new CompiledScenario({ manifests, objects: addressed, options, snapshot }, true);
}

/**
 * The nodes whose views together are the whole cluster, by name. A cluster that knows of no
 * node has one view, without a name.
 */
export function viewsOf(objects: readonly ClusterObject[]): readonly (string | undefined)[] {
  const names = objects.flatMap((object) => {
    if (object.kind === "Node") return object.name;
    return object.kind === "Pod" && !object.terminated ? object.nodeName ?? [] : [];
  });
  return names.length === 0 ? [undefined] : [...new Set(names)].sort();
}

type Parts = Pick<Scenario, "manifests" | "objects" | "options" | "snapshot">;

/** Ports on which proxies listen: this and the number of the redirect. */
const PROXY_PORTS = 20_000;

class CompiledScenario implements Scenario {
  readonly manifests: readonly ManifestText[];
  readonly objects: readonly ClusterObject[];
  readonly options: ScenarioOptions;
  readonly snapshot: PolicySnapshot;
  readonly node: NodeState;
  readonly blocks: readonly IpPrefix[];
  readonly #parts: Parts;
  readonly #parties: Parties;
  readonly #endpoints = new Map<number, { state: EndpointState; party: Party }>();
  readonly #routes = new Map<string, EndpointState>();
  /** Pods and namespaces are no part of what is said of a flow, and may be many. */
  readonly #text: readonly ClusterObject[];
  readonly #specOptions: EvaluateOptions;

  constructor(parts: Parts, readonly hasProxies: boolean) {
    const { manifests, objects, options, snapshot } = parts;
    this.#parts = parts;
    this.manifests = manifests;
    this.objects = objects;
    this.options = options;
    this.snapshot = snapshot;
    this.#text = objects.filter(({ kind }) => kind !== "Pod" && kind !== "Namespace");
    this.#specOptions = specOptions(options);
    this.node = this.#nodeState();
    const answered = [...options.names?.values() ?? []].flat();
    this.blocks = [...namedBlocks(objects), ...answered.map((address) => ipPrefixOf(address))];
    const boundaries = { node: this.node, blocks: this.blocks };
    this.#parties = new Parties(objects, snapshot, boundaries, options.node);
    const hosts = hostEndpoints(snapshot);
    for (const state of this.node.endpoints) {
      const addresses = [state.ipv4, state.ipv6].filter((bytes) => bytes !== undefined)
        .map(addressOfBytes);
      for (const { text } of addresses) this.#routes.set(text, state);
      const [first] = addresses;
      const host = hosts.get(state.id);
      const party = host === undefined
        ? first && this.#parties.at(first)
        : this.#parties.node(host.name, first);
      if (party !== undefined) this.#endpoints.set(state.id, { state, party });
    }
  }

  get identities(): readonly number[] {
    return this.#parties.identities;
  }

  withoutProxies(): Scenario {
    return new CompiledScenario(this.#parts, false);
  }

  endpoint(id: number): { readonly state: EndpointState; readonly party: Party } {
    const endpoint = this.#endpoints.get(id);
    if (endpoint !== undefined) return endpoint;
    throw new RangeError(
      `Cannot find endpoint "${id}": unknown, expected one of the scenario with an address`,
    );
  }

  endpointAt(address: IpAddress): EndpointState | undefined {
    return this.#routes.get(address.text);
  }

  partyAt(address: IpAddress): Party {
    return this.#parties.at(address);
  }

  partyOf(identity: number): Party {
    return this.#parties.of(identity);
  }

  evaluate(flow: Flow, direction: RuleDirection): SideVerdict {
    return evaluateSide(this.#text, flow, direction, this.#specOptions);
  }

  rulesOf(cookie: number): readonly RuleOrigin[] | undefined {
    return this.snapshot.rulesOf(cookie);
  }

  redirectAt(port: number): Redirect | undefined {
    return this.snapshot.redirectOf(port - PROXY_PORTS);
  }

  #nodeState(): NodeState {
    const node = nodeOf(this.snapshot);
    const { audit = false } = this.options;
    const ids = new Set(
      node.policies.flatMap(({ mapState }) => mapState.entries.map(({ redirect }) => redirect)),
    );
    const redirects = [...ids].filter((id) => id !== undefined)
      .map((id) => ({ id, port: this.hasProxies ? PROXY_PORTS + id : 0 }));
    return {
      ...node,
      endpoints: audit ? node.endpoints.map((one) => ({ ...one, audit })) : node.endpoints,
      redirects,
    };
  }
}
