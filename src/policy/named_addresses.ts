import type { WorldTable } from "../identity/world_table.ts";
import type { CompiledRule } from "./compiled_rule.ts";
import type { RuleTable } from "./rule_table.ts";
import type { Selector } from "./selector.ts";

/** Tells the table of the world what a selector names, or that it does not any more. */
export function noteAddresses(world: WorldTable, selector: Selector, what: "use" | "drop"): void {
  const use = what === "use";
  if (selector.kind === "fqdn") {
    if (use) world.usePattern(selector.pattern);
    else world.dropPattern(selector.pattern);
  } else if (selector.kind === "cidr") {
    for (const block of [selector.cidr, ...selector.except]) {
      if (use) world.useBlock(block);
      else world.dropBlock(block);
    }
  }
}

/**
 * Blocks and DNS names that *any* rule in force names.
 *
 * What rules of local subjects name always has identities. A selector of `cidr` or `fqdn`
 * labels is about what others name as well, as every Cilium agent has the identities of all
 * policies: while there is such a selector, so has the table of the world.
 */
export class NamedAddresses {
  readonly #rules: RuleTable;
  readonly #world: WorldTable;
  readonly #noted = new Set<CompiledRule>();
  #uses = 0;

  constructor(rules: RuleTable, world: WorldTable) {
    this.#rules = rules;
    this.#world = world;
  }

  /** Notes that a selector asks for such labels. Matched by {@linkcode drop}. */
  use(): void {
    if (this.#uses++ > 0) return;
    for (const rule of this.#rules.rules()) this.#note(rule);
  }

  /** Notes that a selector does not ask for such labels any more. */
  drop(): void {
    if (--this.#uses > 0) return;
    for (const rule of [...this.#noted]) this.#forget(rule);
  }

  /** Notes rules that came or went: each is named as often as it did. */
  rulesChanged(changed: readonly CompiledRule[]): void {
    if (this.#uses === 0) return;
    for (const rule of changed) {
      if (this.#noted.has(rule)) this.#forget(rule);
      else this.#note(rule);
    }
  }

  #note(rule: CompiledRule): void {
    this.#noted.add(rule);
    if (rule.peers === "all") return;
    for (const selector of rule.peers) noteAddresses(this.#world, selector, "use");
  }

  #forget(rule: CompiledRule): void {
    this.#noted.delete(rule);
    if (rule.peers === "all") return;
    for (const selector of rule.peers) noteAddresses(this.#world, selector, "drop");
  }
}
