import type { Datapath } from "../datapath/datapath.ts";
import {
  CT4_KEY_SIZE,
  CT6_KEY_SIZE,
  MAX_CONNTRACK_SEEN_BY_TESTS,
  MAX_FRAGMENTS,
} from "../datapath/layout.ts";

/** Entries that a packet can make: one at each policy that it meets. */
const FLOWS_PER_PACKET = 2;
const MOST_FRAGMENTS = MAX_FRAGMENTS / 2;
const SECOND = 1_000_000_000n;

/**
 * Keeps tables half empty. Full ones evict, and which entry goes may differ between datapaths:
 * only below that is a difference between them a fault.
 */
export class FlowBudget {
  readonly #datapaths: readonly Datapath[];
  /** At most so many are in a table. */
  #flows = 0;
  #fragments = 0;

  constructor(datapaths: readonly Datapath[]) {
    this.#datapaths = datapaths;
  }

  /**
   * Makes room for packets, as user space does on a node: by deleting the flows that have expired.
   *
   * @param now The programs' clock, in nanoseconds.
   * @returns Whether there was room. If not, all flows must be forgotten.
   */
  make({ packets, fragments }: { packets: number; fragments: number }, now: bigint): boolean {
    const flows = packets * FLOWS_PER_PACKET;
    if (this.#flows + flows > MAX_CONNTRACK_SEEN_BY_TESTS) this.#flows = this.#collect(now);
    const fits = this.#flows + flows <= MAX_CONNTRACK_SEEN_BY_TESTS &&
      this.#fragments + fragments <= MOST_FRAGMENTS;
    this.#flows = fits ? this.#flows + flows : flows;
    this.#fragments = fits ? this.#fragments + fragments : fragments;
    return fits;
  }

  /** Returns how many flows are left in the fuller of two tables. */
  #collect(now: bigint): number {
    for (const datapath of this.#datapaths) datapath.collectConntrack(Number(now / SECOND));
    const [first] = this.#datapaths;
    if (first === undefined) return 0;
    const { keys4, keys6 } = first.conntrack();
    return Math.max(keys4.length / CT4_KEY_SIZE, keys6.length / CT6_KEY_SIZE);
  }
}

/** Fragments that one run of packets may have. */
export const FRAGMENTS_AT_ONCE = MOST_FRAGMENTS / 2;
