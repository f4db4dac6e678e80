import type { Pod } from "../../cluster/object.ts";
import type { Service, ServicePort } from "../../cluster/service.ts";
import type { Identity } from "../../identity/identity.ts";
import type { CompiledRule } from "../../policy/compiled_rule.ts";
import { lastPortOf, PROTOCOL } from "../../policy/map_state.ts";
import type { Finding, LintContext } from "./finding.ts";

/**
 * Rules that name the port of a service where its pods listen on another one: packets are
 * translated before policy sees them, so such a rule matches nothing.
 * https://docs.cilium.io/en/stable/security/policy/kubernetes/#services
 */
export function* servicePorts(context: LintContext): Generator<Finding> {
  const identities = identitiesByPod(context);
  for (const service of context.objects) {
    if (service.kind !== "Service") continue;
    const pods = podsBehind(service, context);
    const behind = new Set(pods.map((pod) => identities.get(`${pod.namespace}/${pod.name}`)?.id));
    if (pods.length === 0) continue;
    for (const port of service.ports) {
      const target = targetOf(port, pods);
      if (target === undefined || target === port.port) continue;
      for (const rule of context.rules) {
        if (rule.verdict === "pass" || !concerns(rule, behind, context)) continue;
        if (!covers(rule, port, port.port) || covers(rule, port, target)) continue;
        yield context.finding(
          "service-port",
          rule.origin,
          `names port ${port.port}/${port.protocol} of service ${service.namespace}/${service.name}, ` +
            `whose pods listen on ${target}: policy sees ${target}`,
        );
      }
    }
  }
}

function identitiesByPod(context: LintContext): Map<string, Identity> {
  const { identities } = context.cluster.engine.selectors;
  const byPod = new Map<string, Identity>();
  for (const { namespace, name, identity } of context.cluster.snapshot.endpoints) {
    const known = identities.get(identity);
    if (known !== undefined) byPod.set(`${namespace}/${name}`, known);
  }
  return byPod;
}

function podsBehind({ namespace, selector }: Service, { objects }: LintContext): Pod[] {
  if (selector === undefined || selector.size === 0) return [];
  return objects.filter((object) => object.kind === "Pod").filter((pod) =>
    pod.namespace === namespace && !pod.terminated && !pod.hostNetwork &&
    [...selector].every(([key, value]) => pod.labels.get(key) === value)
  );
}

function targetOf({ targetPort, protocol }: ServicePort, pods: readonly Pod[]): number | undefined {
  if (typeof targetPort === "number") return targetPort;
  for (const { containerPorts = [] } of pods) {
    const declared = containerPorts.find(({ name, protocol: own }) =>
      name === targetPort && own === protocol
    );
    if (declared !== undefined) return declared.port;
  }
  return undefined;
}

/** Is the rule about flows to the pods behind the service? */
function concerns(
  { direction, subject, peers }: CompiledRule,
  behind: ReadonlySet<number | undefined>,
  context: LintContext,
): boolean {
  if (direction === "ingress") return context.selected(subject).some(({ id }) => behind.has(id));
  // A rule for everybody may well mean the world.
  if (peers === "all") return false;
  return peers.some((selector) => context.selected(selector).some(({ id }) => behind.has(id)));
}

function covers({ ports, direction }: CompiledRule, { protocol }: ServicePort, port: number) {
  return ports.some((at) =>
    at.protocol === PROTOCOL.ANY ||
    (at.protocol === PROTOCOL[protocol] && at.port <= port &&
      port <= lastPortOf({ identity: 0, direction, ...at }))
  );
}
