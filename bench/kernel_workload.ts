/**
 * Brings the policies of a workload into the kernel: as images, and as Cilium's tries.
 *
 * @module
 */
import { type BpfMap, type CollectionSpec, createMap } from "ebpf-ts-loader";
import type { PolicyImage } from "../src/datapath/image_builder.ts";
import { lpmPolicyOf } from "../src/datapath/lpm_policy_map.ts";
import { PolicyMemory } from "./policy_memory.ts";
import type { Policy, Workload } from "./workloads.ts";

/** An object's maps. */
export interface KernelTarget {
  readonly spec: CollectionSpec;
  map(name: string): BpfMap;
}

/** The maps behind a target's map-in-maps, until they are entered there. */
class InnerMaps implements Disposable {
  readonly #target: KernelTarget;
  readonly #maps = new DisposableStack();
  readonly #slots = new Map<string, { keys: number[]; fds: number[] }>();

  constructor(target: KernelTarget) {
    this.#target = target;
  }

  /** Creates a map as the map-in-map `outer` wants it, for slot `key`. */
  create(outer: string, key: number, maxEntries?: number): BpfMap {
    const inner = this.#target.spec.maps.get(outer)?.inner;
    if (!inner) throw new TypeError(`Cannot fill "${outer}": a plain map, expected a map-in-map`);
    const map = this.#maps.use(createMap({ ...inner, maxEntries: maxEntries ?? inner.maxEntries }));
    const slots = this.#slots.get(outer) ?? { keys: [], fds: [] };
    slots.keys.push(key);
    slots.fds.push(map.fd);
    this.#slots.set(outer, slots);
    return map;
  }

  /** Enters all of them, with one grace period for each map-in-map. */
  async enter(): Promise<void> {
    for (const [outer, { keys, fds }] of this.#slots) {
      const [keyBytes, valueBytes] = [keys, fds].map((numbers) =>
        new Uint8Array(Uint32Array.from(numbers).buffer)
      );
      if (!keyBytes || !valueBytes) continue;
      await this.#target.map(outer).updateBatchAsync(keyBytes, valueBytes);
    }
  }

  /** Closes the descriptors; the map-in-maps keep the maps. */
  [Symbol.dispose](): void {
    this.#maps.dispose();
  }
}

/** Points a policy number to a table. */
function setTable(target: KernelTarget, policy: number, table: number, revision: number): void {
  const cell = Uint32Array.of(table, revision);
  target.map("policy_tables").update(policy, new Uint8Array(cell.buffer));
}

/** Copies an image into the kernel and points its policy number to it. */
function loadImage(
  target: KernelTarget,
  inner: InnerMaps,
  memory: PolicyMemory,
  image: PolicyImage,
): void {
  const map = inner.create(`images_${image.sizeClass}`, image.index);
  const keys = memory.datapath.arrayKeys(image.lines); // first: it may grow the memory
  map.updateBatch(keys, image.bytes);
  setTable(target, image.policy, image.table, image.revision);
}

/** A trie's table number is its policy's number. */
function loadLpm(inner: InnerMaps, policy: Policy, records: Uint32Array): void {
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  const { keys, values, count } = lpmPolicyOf(view, () => 0);
  inner.create("lpm_policies", policy.number, count).updateBatch(keys, values);
}

/** Where the policies go; a target that holds both layouts is named twice. */
export interface WorkloadTargets {
  readonly image: KernelTarget;
  readonly lpm: KernelTarget;
  /** Called with each policy; there may be too many to keep. */
  readonly visit: (policy: Policy) => void;
  readonly show: (text: string) => void;
}

/** Brings a workload into the kernel in both layouts. */
export async function loadWorkload(
  workload: Workload,
  { image, lpm, visit, show }: WorkloadTargets,
): Promise<void> {
  const memory = await PolicyMemory.create();
  using images = new InnerMaps(image);
  using tries = new InnerMaps(lpm);
  for (let number = 1; number <= workload.policies; number++) {
    show(`policy ${number} of ${workload.policies}`);
    const policy = workload.policy(number);
    const records = memory.writeRecords(policy);
    loadLpm(tries, policy, records);
    if (lpm !== image) setTable(lpm, number, number, 1);
    // Not freed before the end: the number of a freed table would be used again.
    loadImage(image, images, memory, memory.buildImage(policy));
    visit(policy);
  }
  await images.enter();
  await tries.enter();
}
