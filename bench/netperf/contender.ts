/**
 * Two pods on a node, and what stands between them: nothing, the programs, or an nftables ruleset.
 *
 * @module
 */
import { parseIpAddress } from "../../src/cluster/ip_address.ts";
import { readBpfObject } from "../../src/datapath/bpf_objects.ts";
import type { NodeState } from "../../src/datapath/datapath.ts";
import { DatapathMemory } from "../../src/datapath/datapath_memory.ts";
import { readEmulatorWasm } from "../../src/datapath/emulator_file.ts";
import { KernelNode } from "../../src/datapath/kernel_node.ts";
import { attachPrograms } from "../../src/demo/attach_programs.ts";
import { Topology } from "../../src/demo/topology.ts";
import { Connections } from "./connections.ts";
import { nftRuleset } from "./nft_ruleset.ts";
import { PeerPolicy, POD_ADDRESSES } from "./peer_policy.ts";

/** What stands between the pods; `entries` counts the lines of its policy, both directions. */
export type ContenderSpec =
  | { readonly kind: "none" }
  | { readonly kind: "twinpath"; readonly entries: number }
  | { readonly kind: "nftables"; readonly entries: number };

/** Two pods that are connected over TCP and UDP. */
export class Contender implements Disposable {
  /** The client and the server, in this order. */
  readonly topology: Topology;
  readonly connections: Connections;
  readonly #owned: DisposableStack;

  private constructor(topology: Topology, connections: Connections, owned: DisposableStack) {
    this.topology = topology;
    this.connections = connections;
    this.#owned = owned;
  }

  /**
   * Makes the pods, puts the policy in force and connects them. Needs root, and what the kind
   * needs: Linux 6.6, or `nft`.
   */
  static async create(spec: ContenderSpec): Promise<Contender> {
    using owned = new DisposableStack();
    const topology = owned.use(Topology.create(PODS));
    if (spec.kind === "twinpath") {
      owned.use(await enforce(topology, new PeerPolicy(spec.entries)));
    }
    if (spec.kind === "nftables") applyRuleset(topology, new PeerPolicy(spec.entries));
    const connections = owned.use(await Connections.open(topology));
    return new Contender(topology, connections, owned.move());
  }

  /** Takes everything down. */
  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}

const POLICY = 1;
const FIRST_IDENTITY = 256;

const PODS = POD_ADDRESSES.map((address, i) => ({
  id: i + 1,
  namespace: "netperf",
  name: i === 0 ? "client" : "server",
  addresses: [parseIpAddress(address)],
}));

async function enforce(topology: Topology, policy: PeerPolicy): Promise<Disposable> {
  using owned = new DisposableStack();
  const state: NodeState = {
    endpoints: topology.pods.map(({ id, addresses, mac, nodeMac, ifindex }) => ({
      id,
      ipv4: addresses[4],
      mac,
      nodeMac,
      ifindex,
      identity: FIRST_IDENTITY + id - 1,
      policy: POLICY,
    })),
    identities: policy.identities,
    ipcache: policy.ipcache,
    policies: [policy.policyState(POLICY)],
    events: ["drop", "policy_verdict"],
  };
  const memory = new DatapathMemory(await readEmulatorWasm());
  memory.load(state);
  const node = owned.use(await KernelNode.create(readBpfObject("datapath"), memory, state));
  owned.use(attachPrograms(node, topology));
  return owned.move();
}

/** Loads the ruleset into the node's namespace, with which it goes. */
function applyRuleset(topology: Topology, { rules }: PeerPolicy): void {
  const interfaces = topology.pods.map(({ id }) => `lxc${id}`);
  const path = Deno.makeTempFileSync({ suffix: ".nft" });
  try {
    Deno.writeTextFileSync(path, nftRuleset(rules, interfaces));
    const { success, stderr } = topology.node.run(() =>
      new Deno.Command("nft", { args: ["-f", path], stdin: "null" }).outputSync()
    );
    if (success) return;
    const [line = ""] = new TextDecoder().decode(stderr).split("\n");
    throw new Error(`Cannot load "nftables ruleset": ${line}, expected nft to take it`);
  } finally {
    Deno.removeSync(path);
  }
}
