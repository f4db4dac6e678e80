/**
 * One node's view of a cluster: the policy engine, and the images that follow it.
 *
 * @module
 */
import type { Change } from "../../src/cluster/change.ts";
import { replaceWith } from "../../src/cluster/change.ts";
import type { ClusterObject } from "../../src/cluster/object.ts";
import { DatapathMemory } from "../../src/datapath/datapath_memory.ts";
import { readEmulatorWasm } from "../../src/datapath/emulator_file.ts";
import { updateImage } from "../../src/datapath/image_update.ts";
import { IMAGE_LINE_BYTES } from "../../src/datapath/layout.ts";
import { PolicyEngine } from "../../src/policy/engine.ts";
import type { PolicySnapshot, SnapshotChanges } from "../../src/policy/snapshot.ts";
import { nodeOf } from "../../src/verify/node_of.ts";
import { LOCAL_NODE } from "./cluster.ts";

/** What one change cost. */
export interface ChangeCost {
  /** Nanoseconds from the change to encoded bytes. */
  readonly time: number;
  /** Image bytes that a copy has to take over. */
  readonly bytes: number;
  /** Policies whose image changed. */
  readonly policies: number;
  /** Images that had to be built anew. */
  readonly rebuilt: number;
  readonly changes: SnapshotChanges;
}

/** A policy engine for one node, with its images in Wasm memory. */
export class NodeView implements Disposable {
  readonly #engine: PolicyEngine;
  readonly #memory: DatapathMemory;

  private constructor(engine: PolicyEngine, memory: DatapathMemory) {
    this.#engine = engine;
    this.#memory = memory;
  }

  /** Takes in a cluster and encodes what the local node needs. */
  static async open(objects: Iterable<ClusterObject>): Promise<NodeView> {
    const engine = new PolicyEngine({ settings: { localNode: LOCAL_NODE } });
    const snapshot = await engine.apply(replaceWith(objects));
    const memory = new DatapathMemory(await readEmulatorWasm());
    memory.load(nodeOf(snapshot));
    return new NodeView(engine, memory);
  }

  get snapshot(): PolicySnapshot {
    return this.#engine.snapshot;
  }

  /** Applies changes, down to the bytes of the images. */
  async apply(changes: readonly Change[]): Promise<ChangeCost> {
    const start = performance.now();
    const snapshot = await this.#engine.apply(changes);
    const { changes: all } = snapshot;
    const { identities, policies } = all;
    for (const { id, slot } of identities) {
      if (slot !== undefined) this.#memory.addIdentity({ identity: id, slot });
    }
    let lines = 0;
    let rebuilt = 0;
    for (const [number, delta] of policies) {
      const policy = snapshot.policy(number);
      if (!policy) continue;
      const { revision, mapState } = policy;
      const update = updateImage(this.#memory, { number, revision, mapState, delta });
      if (update.kind === "changed") {
        for (const span of update.spans) lines += span.lines;
      } else {
        lines += update.image.lines;
        rebuilt++;
        if (update.before) this.#memory.builder.free(update.before);
      }
    }
    const time = (performance.now() - start) * 1e6;
    return {
      time,
      bytes: lines * IMAGE_LINE_BYTES,
      policies: policies.size,
      rebuilt,
      changes: all,
    };
  }

  /** Encodes every policy of the node anew: what a change would cost without following it. */
  rebuildAll(): number {
    const start = performance.now();
    this.#memory.load(nodeOf(this.#engine.snapshot));
    return (performance.now() - start) * 1e6;
  }

  [Symbol.dispose](): void {
    this.#engine[Symbol.dispose]();
  }
}
