import type { CompiledRule } from "../../policy/compiled_rule.ts";
import type { Finding, LintContext } from "./finding.ts";

/** Port names that no pod concerned declares: the rule means nothing there. */
export function* portNames(context: LintContext): Generator<Finding> {
  const declared = declaredNames(context);
  for (const rule of context.rules) {
    for (const { name } of rule.namedPorts ?? []) {
      const pods = destinationsOf(rule, context);
      if (pods.length === 0 || pods.some((pod) => declared.get(pod)?.has(name))) continue;
      const who = pods.length === 1
        ? pods[0]
        : `none of ${pods.length} pods, ${pods[0]} among them,`;
      yield context.finding(
        "port-name",
        rule.origin,
        `asks for port "${name}": ${who} ${pods.length === 1 ? "does not declare" : "declares"} it`,
      );
    }
  }
}

function declaredNames({ objects }: LintContext): Map<string, ReadonlySet<string>> {
  const declared = new Map<string, ReadonlySet<string>>();
  for (const object of objects) {
    if (object.kind !== "Pod") continue;
    const names = object.containerPorts?.flatMap(({ name }) => name?.toLowerCase() ?? []);
    declared.set(`${object.namespace}/${object.name}`, new Set(names));
  }
  return declared;
}

/** Pods whose ports the rule is about: its subjects, or for egress its peers. */
function destinationsOf({ direction, subject, peers }: CompiledRule, context: LintContext) {
  const identities = direction === "ingress"
    ? context.selected(subject)
    : peers === "all"
    ? []
    : peers.flatMap((selector) => context.selected(selector));
  return [...new Set(identities.flatMap((identity) => context.podsOf(identity)))];
}
