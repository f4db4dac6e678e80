import { type Rank, TIER } from "./compiled_rule.ts";
import { MAX_PRIORITY } from "./precedence.ts";

const TIERS = [TIER.ADMIN, TIER.NORMAL, TIER.BASELINE] as const;

/** A rule as far as its order among others is concerned. */
export interface Ranked {
  readonly rank: Rank;
  readonly verdict: "allow" | "deny" | "pass";
}

interface TierLevels {
  /** Level by the text of a rank. */
  readonly levels: ReadonlyMap<string, number>;
  /** Priority number of each level, counted from where the tier starts. */
  readonly offsets: readonly number[];
  /** Priority numbers of the tier's own levels with all that is passed on from them. */
  readonly span: number;
}

/**
 * Gives the rules of one subject and direction their priority numbers.
 *
 * Tiers are decided in order, and in each the level of the lowest number. What a `Pass`
 * sends on to the next tier must be stronger than what follows the `Pass` in its own
 * tier, as the datapath knows no tiers: the numbers of the next tier are therefore
 * repeated behind each level that passes. (Cilium's main branch does the same:
 * pkg/policy/rules.go, computeTierPriorities.)
 *
 *     Admin 0 | Admin 1, passes | [Normal] [Baseline] [default] | Admin 2 | Normal | Baseline | default
 */
export class Ranking {
  readonly #tiers: readonly TierLevels[];
  readonly #onlyNormal: boolean;

  /** @throws {RangeError} when there are more numbers than a precedence can hold. */
  constructor(rules: readonly Ranked[]) {
    const tiers: TierLevels[] = [];
    let behind = 1;
    for (const tier of [...TIERS].reverse()) {
      const levels = levelsOf(rules.filter(({ rank }) => rank.tier === tier), behind);
      tiers.unshift(levels);
      behind += levels.span;
    }
    if (behind - 1 > MAX_PRIORITY) {
      throw new RangeError(
        `Cannot order ${rules.length} rules: ${behind} priorities, expected at most ${MAX_PRIORITY}`,
      );
    }
    this.#tiers = tiers;
    this.#onlyNormal = tiers.every(({ levels }, tier) => levels.size === 0 || tier === TIER.NORMAL);
  }

  /** Level of a rank within its tier. */
  levelOf(rank: Rank): number {
    return this.#tiers[rank.tier]?.levels.get(textOf(rank)) ?? 0;
  }

  /** Starts a walk through the tiers, from the first. */
  start(): RankingWalk {
    return new RankingWalk(this.#tiers);
  }

  /**
   * Priority of the default that allows. Where there is but one tier of equals it is as
   * strong as they are, as in Cilium ("for backwards compatibility",
   * pkg/policy/repository.go), so that entries look the same with and without tiers.
   */
  defaultAllowPriority(walk: RankingWalk): number {
    return this.#onlyNormal ? 0 : walk.priority;
  }
}

/** A walk of one flow through the tiers; see {@linkcode Ranking}. */
export class RankingWalk {
  readonly #tiers: readonly TierLevels[];
  #tier = 0;
  #base = 0;

  constructor(tiers: readonly TierLevels[]) {
    this.#tiers = tiers;
  }

  /** Tier to decide next; 3 when there is none left. */
  get tier(): number {
    return this.#tier;
  }

  /** Priority of what is decided after the last tier. */
  get priority(): number {
    return this.#base;
  }

  /** Priority of a level of the present tier. */
  priorityOf(level: number): number {
    return this.#base + (this.#tiers[this.#tier]?.offsets[level] ?? 0);
  }

  /** Goes on to the next tier: nothing in the present one matched. */
  leave(): void {
    this.#base += this.#tiers[this.#tier]?.span ?? 0;
    this.#tier++;
  }

  /** Goes on to the next tier: a level of the present one passed. */
  pass(level: number): void {
    this.#base = this.priorityOf(level) + 1;
    this.#tier++;
  }
}

/** @param behind Priority numbers of everything behind the tier. */
function levelsOf(rules: readonly Ranked[], behind: number): TierLevels {
  const sorted = [...rules].sort((a, b) => compareRanks(a.rank, b.rank));
  const levels = new Map<string, number>();
  const passes: boolean[] = [];
  for (const { rank, verdict } of sorted) {
    const text = textOf(rank);
    const level = levels.get(text) ?? levels.size;
    levels.set(text, level);
    passes[level] = (passes[level] ?? false) || verdict === "pass";
  }
  const offsets: number[] = [];
  let span = 0;
  for (const passing of passes) {
    offsets.push(span);
    span += passing ? 1 + behind : 1;
  }
  return { levels, offsets, span };
}

function compareRanks(a: Rank, b: Rank): number {
  return a.priority - b.priority || a.index - b.index;
}

function textOf({ priority, index }: Rank): string {
  return `${priority} ${index}`;
}
