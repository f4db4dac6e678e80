import type { IpAddress } from "../cluster/ip_address.ts";
import { type IpPrefix, ipPrefixOf } from "../cluster/ip_prefix.ts";
import type { Node } from "../cluster/object.ts";
import { type Identity, REMOTE_NODE_SCOPE } from "./identity.ts";
import type { Ipcache } from "./ipcache.ts";
import { canonicalKey, type Label, type Labels, labelsOf } from "./label.ts";
import { RESERVED } from "./reserved.ts";
import { ScopedIdentities } from "./scoped_identities.ts";

/** A node, as the others see it. */
export interface NodeIdentity {
  readonly name: string;
  readonly node: Node;
  /** It is the node whose policies are computed, or there is no such node. */
  readonly local: boolean;
  /** The Kubernetes API is served at one of its addresses. */
  readonly apiServer: boolean;
  /** Its identity for its own pods. */
  readonly host: number;
  /** Its identity for the pods of *other* nodes, by its addresses; the first one's first. */
  readonly remote: ReadonlyMap<string, number>;
}

/** What {@linkcode NodeTable} works with. */
export interface NodeTableParts {
  readonly ipcache: Ipcache;
  /** Name of the node whose policies are computed; `undefined` takes every node for it. */
  readonly localNode: string | undefined;
  /** Address blocks in rules are for nodes as well. */
  readonly cidrMatchesNodes: boolean;
}

/**
 * Nodes and their identities: the local one is the host, others are `remote-node`. Where
 * the Kubernetes API is served a remote node is `kube-apiserver` as well, at that address
 * only; the host is at all of its addresses, as it is one identity
 * (https://github.com/cilium/cilium/issues/29432). Where every node is taken for the local
 * one, those that serve the API have a host identity of their own.
 *
 * While rules ask for labels of nodes (or {@linkcode NodeTableParts.cidrMatchesNodes})
 * each remote node has an identity of its own with those labels. Cilium has a switch for
 * that (`enable-node-selector-labels`), as it costs an identity per node.
 */
export class NodeTable {
  readonly #parts: NodeTableParts;
  readonly #identities = new ScopedIdentities(REMOTE_NODE_SCOPE);
  readonly #wanted = new Map<string, Node>();
  #current: ReadonlyMap<string, NodeIdentity> = new Map();
  /** Identities of their own that nodes have, in the order of their addresses. */
  readonly #own = new Map<string, readonly Identity[]>();
  /** Host identities beside the well-known one. */
  readonly #hosts = new Map<string, Identity>();
  readonly #dirty = new Set<string>();
  #apiServers = new Set<string>();
  #labelUses = 0;
  #host: Identity = { id: RESERVED.HOST, labels: labelsOf([reserved("host")]) };

  constructor(parts: NodeTableParts) {
    this.#parts = parts;
  }

  /** Nodes by name; another map after every change. */
  get nodes(): ReadonlyMap<string, NodeIdentity> {
    return this.#current;
  }

  /** Notes that a node is there, or has changed. */
  upsertNode(node: Node): void {
    this.#wanted.set(node.name, node);
    this.#dirty.add(node.name);
  }

  /** Notes that a node is gone. */
  deleteNode({ name }: Node): void {
    this.#wanted.delete(name);
    this.#dirty.add(name);
  }

  /** Notes where the Kubernetes API is served. */
  setApiServers(addresses: readonly IpAddress[]): void {
    this.#apiServers = new Set(addresses.map(({ text }) => text));
    this.#touchAll();
  }

  /** Notes that a rule asks for labels of nodes. Matched by {@linkcode dropLabels}. */
  useLabels(): void {
    if (this.#labelUses++ === 0) this.#touchAll();
  }

  /** Notes that a rule does not ask for labels of nodes any more. */
  dropLabels(): void {
    if (--this.#labelUses === 0) this.#touchAll();
  }

  /** Brings identities and IP cache up to date, and returns which identities came and went. */
  reconcile(): { added: readonly Identity[]; deleted: readonly number[] } {
    if (this.#dirty.size === 0) return { added: [], deleted: [] };
    const next = new Map(this.#current);
    for (const name of this.#dirty) this.#reconcile(name, next);
    this.#current = next;
    this.#dirty.clear();
    const { added, deleted } = this.#identities.takeNews();
    const host = this.#hostIdentity();
    const same = canonicalKey(host.labels) === canonicalKey(this.#host.labels) &&
      JSON.stringify(host.prefixes) === JSON.stringify(this.#host.prefixes);
    if (same) return { added, deleted };
    this.#host = host;
    return { added: [host, ...added], deleted };
  }

  /** The host, with the API's label where that is served, and with its addresses if they count. */
  #hostIdentity(): Identity {
    const local = [...this.#current.values()].find(({ host, local }) =>
      local && host === RESERVED.HOST
    );
    const none = { labels: labelsOf([reserved("host")]), prefixes: [] };
    // One of several nodes that are alike says nothing of where the host is.
    const { labels, prefixes } = local === undefined || this.#parts.localNode === undefined
      ? none
      : this.#labelsOfHost(local.node);
    return { id: RESERVED.HOST, labels, ...(prefixes.length > 0 ? { prefixes } : {}) };
  }

  /** What a node is for its own pods. */
  #labelsOfHost(node: Node): { readonly labels: Labels; readonly prefixes: readonly IpPrefix[] } {
    const labels = [reserved("host")];
    if (node.addresses.some(({ address }) => this.#isApiServer(address))) {
      labels.push(reserved("kube-apiserver"));
    }
    const prefixes = this.#parts.cidrMatchesNodes
      ? node.addresses.map(({ address }) => ipPrefixOf(address))
      : [];
    for (const { text } of prefixes) labels.push({ source: "cidr", key: text, value: "" });
    return { labels: labelsOf(labels), prefixes };
  }

  /** The host identity of a node that is one of several local ones; `undefined`: the usual. */
  #acquireHost(node: Node): Identity | undefined {
    const { labels, prefixes } = this.#labelsOfHost(node);
    const isUsual = this.#parts.localNode !== undefined || labels.length === 1;
    return isUsual ? undefined : this.#identities.acquire(labels, prefixes);
  }

  #reconcile(name: string, current: Map<string, NodeIdentity>): void {
    const { localNode } = this.#parts;
    const node = this.#wanted.get(name);
    const hostBefore = this.#hosts.get(name);
    const ownBefore = this.#own.get(name) ?? [];
    const before = hostBefore === undefined ? ownBefore : [...ownBefore, hostBefore];
    const old = current.get(name);
    if (node === undefined) {
      current.delete(name);
      this.#own.delete(name);
      this.#hosts.delete(name);
    } else {
      const local = localNode === undefined || localNode === name;
      const apiServer = node.addresses.some(({ address }) => this.#isApiServer(address));
      // Nobody whose policies are computed here sees this node from elsewhere.
      const own = localNode === name ? [] : this.#ownIdentities(node);
      const otherHost = this.#acquireHost(node);
      const host = otherHost?.id ?? RESERVED.HOST;
      if (otherHost === undefined) this.#hosts.delete(name);
      else this.#hosts.set(name, otherHost);
      const shared = node.addresses.map(({ address }) =>
        this.#isApiServer(address) ? RESERVED.KUBE_APISERVER : RESERVED.REMOTE_NODE
      );
      const remote = new Map(
        node.addresses.map(({ address }, i) =>
          [address.text, own[i]?.id ?? shared[i] ?? RESERVED.REMOTE_NODE] as const
        ),
      );
      this.#own.set(name, own);
      current.set(name, { name, node, local, apiServer, host, remote });
      node.addresses.forEach(({ address }) => {
        const identity = local ? host : remote.get(address.text) ?? RESERVED.REMOTE_NODE;
        this.#parts.ipcache.upsert({ address, identity, owner: `node/${name}`, source: "node" });
      });
    }
    const kept = new Set(node?.addresses.map(({ address }) => address.text));
    for (const { address } of old?.node.addresses ?? []) {
      if (!kept.has(address.text)) this.#parts.ipcache.delete(address, `node/${name}`);
    }
    for (const identity of before) this.#identities.release(identity);
  }

  /** The identity of each address; equal ones are one where blocks are not for nodes. */
  #ownIdentities({ labels, addresses }: Node): Identity[] {
    const { cidrMatchesNodes } = this.#parts;
    if (this.#labelUses === 0 && !cidrMatchesNodes) return [];
    // No label of the cluster: what a selector of pods finds must not depend on whether
    // some other rule asks for nodes.
    const all: Label[] = [reserved("remote-node")];
    if (this.#labelUses > 0) {
      for (const [key, value] of labels) all.push({ source: "node", key, value });
    }
    return addresses.map(({ address }) => {
      const served = this.#isApiServer(address) ? [...all, reserved("kube-apiserver")] : all;
      if (!cidrMatchesNodes) return this.#identities.acquire(labelsOf(served), []);
      const prefix = ipPrefixOf(address);
      const own = labelsOf([...served, { source: "cidr", key: prefix.text, value: "" }]);
      return this.#identities.acquire(own, [prefix]);
    });
  }

  #isApiServer({ text }: IpAddress): boolean {
    return this.#apiServers.has(text);
  }

  #touchAll(): void {
    for (const name of this.#wanted.keys()) this.#dirty.add(name);
  }
}

function reserved(key: string): Label {
  return { source: "reserved", key, value: "" };
}
