import type { RuleOrigin } from "../cluster/rule.ts";

/** Returns `default/web ingress[0]`; `ingressDeny[0]` for a rule that denies. */
export function ruleText({ namespace, name, direction, index, deny }: RuleOrigin): string {
  const policy = namespace === "" ? name : `${namespace}/${name}`;
  return `${policy} ${direction}${deny ? "Deny" : ""}[${index}]`;
}

/** Returns the rules, separated by commas. */
export function rulesText(rules: readonly RuleOrigin[]): string {
  return rules.map(ruleText).join(", ");
}
