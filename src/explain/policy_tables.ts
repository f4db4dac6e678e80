import type { DatapathMemory } from "../datapath/datapath_memory.ts";
import type { PolicyImage } from "../datapath/image_builder.ts";
import { MAX_POLICIES } from "../datapath/layout.ts";
import type { Policy } from "../policy/snapshot.ts";
import { PolicyIndex } from "./policy_index.ts";

/** Bytes of images that are kept; a policy asked about after others had to go is built again. */
const IMAGE_BYTES = 1 << 29;

/** A policy in the emulator's memory. */
export interface PolicyTable {
  readonly policy: Policy;
  /** Under which the emulator knows it. */
  readonly number: number;
  readonly image: PolicyImage;
  readonly index: PolicyIndex;
}

/**
 * Policies in the emulator's memory, built when they are first asked about. One node holds
 * the policies of its own pods; here those of a whole cluster come by, so the one that was
 * built first makes room when there are too many.
 */
export class PolicyTables implements Disposable {
  readonly #memory: DatapathMemory;
  readonly #slotOf: (identity: number) => number;
  /** By the number that the cluster gives a policy, the oldest first. */
  readonly #tables = new Map<number, PolicyTable>();
  /** The same by the policy itself, for millions of questions. */
  readonly #byPolicy = new WeakMap<Policy, PolicyTable>();
  readonly #free: number[] = [];
  #next = 1;
  #bytes = 0;

  constructor(memory: DatapathMemory, slotOf: (identity: number) => number) {
    this.#memory = memory;
    this.#slotOf = slotOf;
  }

  /** The next policy that is not there takes the place of another. */
  get full(): boolean {
    return this.#bytes > IMAGE_BYTES || (this.#free.length === 0 && this.#next === MAX_POLICIES);
  }

  /** Returns a policy's table; `undefined` when it is not there as the policy is now. */
  get(policy: Policy): PolicyTable | undefined {
    return this.#byPolicy.get(policy);
  }

  /**
   * Builds the table of a policy. The oldest one goes when there are too many.
   *
   * @throws {RangeError} If the policy does not fit into an image; the message names the limit.
   */
  add(policy: Policy): PolicyTable {
    const known = this.#tables.get(policy.number);
    if (known !== undefined) this.#remove(known);
    const [oldest] = this.#tables.values();
    if (this.full && oldest !== undefined) this.#remove(oldest);
    const { revision, mapState } = policy;
    const number = this.#free.pop() ?? this.#next++;
    const source = { policy: number, revision, mapState };
    let image: PolicyImage;
    try {
      image = this.#memory.builder.build(source, this.#slotOf);
    } catch (error) {
      this.#free.push(number);
      throw error;
    }
    this.#memory.publish(image);
    const table = { policy, number, image, index: new PolicyIndex(mapState) };
    this.#bytes += image.bytes.length;
    this.#tables.set(policy.number, table);
    this.#byPolicy.set(policy, table);
    return table;
  }

  [Symbol.dispose](): void {
    for (const table of [...this.#tables.values()]) this.#remove(table);
  }

  #remove({ policy, number, image }: PolicyTable): void {
    this.#bytes -= image.bytes.length;
    this.#memory.wasm.exports.setPolicyTable(number, 0, 0);
    this.#memory.builder.free(image);
    this.#tables.delete(policy.number);
    this.#byPolicy.delete(policy);
    this.#free.push(number);
  }
}
