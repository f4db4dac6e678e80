import { assertEquals, assertThrows } from "@std/assert";
import { NORMAL_RANK, type Rank, TIER } from "../../src/policy/compiled_rule.ts";
import { type Ranked, Ranking } from "../../src/policy/ranking.ts";

function admin(priority: number, verdict: Ranked["verdict"] = "allow", index = 0): Ranked {
  return { rank: { tier: TIER.ADMIN, priority, index }, verdict };
}

function baseline(priority: number): Ranked {
  return { rank: { tier: TIER.BASELINE, priority, index: 0 }, verdict: "deny" };
}

const NORMAL: Ranked = { rank: NORMAL_RANK, verdict: "allow" };

/** Priority of a rank that is reached through the given levels of earlier tiers. */
function priorityOf(ranking: Ranking, rank: Rank, passes: readonly (number | undefined)[] = []) {
  const walk = ranking.start();
  for (let tier = 0; tier < rank.tier; tier++) {
    const level = passes[tier];
    if (level === undefined) walk.leave();
    else walk.pass(level);
  }
  return walk.priorityOf(ranking.levelOf(rank));
}

Deno.test("Ranking gives rules without tiers the priority 0, as Cilium has it", () => {
  const ranking = new Ranking([NORMAL, NORMAL]);
  assertEquals(priorityOf(ranking, NORMAL_RANK), 0);
  const walk = ranking.start();
  for (let tier = 0; tier < 3; tier++) walk.leave();
  assertEquals([walk.priority, ranking.defaultAllowPriority(walk)], [1, 0]);
});

Deno.test("Ranking puts tiers, priorities and rules of a policy in order", () => {
  const rules = [admin(5), admin(2, "deny"), admin(2, "allow", 1), NORMAL, baseline(0)];
  const ranking = new Ranking(rules);
  const priorities = rules.map(({ rank }) => priorityOf(ranking, rank));
  assertEquals(priorities, [2, 0, 1, 3, 4]);
});

Deno.test("Ranking repeats the tiers below behind each level that passes", () => {
  const rules = [admin(0, "pass"), admin(1, "deny"), NORMAL, baseline(0)];
  const ranking = new Ranking(rules);
  // Admin 0 | Normal, Baseline and default behind its pass | Admin 1 | Normal | Baseline.
  assertEquals(priorityOf(ranking, NORMAL_RANK, [0]), 1);
  assertEquals(priorityOf(ranking, { tier: 2, priority: 0, index: 0 }, [0]), 2);
  assertEquals(priorityOf(ranking, { tier: 0, priority: 1, index: 0 }), 4);
  assertEquals(priorityOf(ranking, NORMAL_RANK), 5);
  assertEquals(priorityOf(ranking, { tier: 2, priority: 0, index: 0 }), 6);
});

Deno.test("Ranking refuses more rules than a precedence can order", () => {
  const many = Array.from({ length: 4096 }, (_, i) => i);
  const rules = [...many.map((i) => admin(i, "pass")), ...many.map(baseline)];
  assertThrows(() => new Ranking(rules), RangeError, "expected at most 16777215");
});
