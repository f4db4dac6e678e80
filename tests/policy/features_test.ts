/** The random clusters exercise what they contain: leaving a feature out changes verdicts. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { LabelSelector, PolicySpec, PortSpec, TrafficRule } from "../../src/cluster/rule.ts";
import { evaluate } from "../../src/spec/evaluate.ts";
import { podPeer, reservedPeer } from "../../src/spec/peer.ts";
import { boundaryPorts, type World, world } from "./_random.ts";

/** Fixed: this tests the generator, and a count must not depend on luck. */
const SEED = 20261122;
const WORLDS = 200;
const AT_LEAST = 5;

function mapRules(w: World, change: (rule: TrafficRule) => TrafficRule): World {
  return mapSpecs(w, (spec) => ({
    ...spec,
    ...(spec.ingress === undefined ? {} : { ingress: spec.ingress.map(change) }),
    ...(spec.egress === undefined ? {} : { egress: spec.egress.map(change) }),
  }));
}

function mapSpecs(w: World, change: (spec: PolicySpec) => PolicySpec): World {
  return { ...w, policies: w.policies.map((p) => ({ ...p, specs: p.specs.map(change) })) };
}

function mapPorts(w: World, change: (port: PortSpec) => PortSpec): World {
  return mapRules(
    w,
    (rule) =>
      rule.toPorts === undefined
        ? rule
        : { ...rule, toPorts: rule.toPorts.map(({ ports }) => ({ ports: ports.map(change) })) },
  );
}

function mapPeers(w: World, change: (selector: LabelSelector) => LabelSelector): World {
  return mapRules(
    w,
    (rule) =>
      rule.endpoints === undefined ? rule : { ...rule, endpoints: rule.endpoints.map(change) },
  );
}

function without(
  selector: LabelSelector,
  gone: (part: { source: string; key: string }) => boolean,
) {
  return {
    matchLabels: selector.matchLabels.filter((part) => !gone(part)),
    matchExpressions: selector.matchExpressions.filter((part) => !gone(part)),
  };
}

const FEATURES: Readonly<Record<string, (w: World) => World>> = {
  "matchLabels of peers": (w) => mapPeers(w, (s) => ({ ...s, matchLabels: [] })),
  "matchExpressions of peers": (w) => mapPeers(w, (s) => ({ ...s, matchExpressions: [] })),
  "NotIn of peers": (w) =>
    mapPeers(w, (s) => ({
      ...s,
      matchExpressions: s.matchExpressions.filter(({ operator }) => operator !== "NotIn"),
    })),
  "reserved labels of peers": (w) =>
    mapPeers(w, (s) => without(s, ({ source }) => source === "reserved")),
  "namespaces of peers": (w) =>
    mapPeers(w, (s) => without(s, ({ key }) => key === "io.kubernetes.pod.namespace")),
  "labels that are no part of an identity": (w) =>
    mapPeers(w, (s) => without(s, ({ key }) => key === "pod-template-hash")),
  "endpointSelector": (w) =>
    mapSpecs(w, (s) => ({ ...s, endpointSelector: { matchLabels: [], matchExpressions: [] } })),
  "empty rules": (w) =>
    mapSpecs(w, ({ ingress, egress, ...rest }) => {
      const full = (rule: TrafficRule) => Object.keys(rule).length > 0;
      return {
        ...rest,
        ...(ingress === undefined ? {} : { ingress: ingress.filter(full) }),
        ...(egress === undefined ? {} : { egress: egress.filter(full) }),
      };
    }),
  "toPorts": (w) => mapRules(w, ({ toPorts: _, ...rest }) => rest),
  "endPort": (w) => mapPorts(w, ({ endPort: _, ...rest }) => rest),
  "port 0": (w) => mapPorts(w, (p) => p.port === 0 ? { ...p, port: 1 } : p),
  "protocol ANY": (w) => mapPorts(w, (p) => p.protocol === "ANY" ? { ...p, protocol: "TCP" } : p),
  "egress rules": (w) => mapSpecs(w, ({ egress: _, ...rest }) => rest),
  "ingress rules": (w) => mapSpecs(w, ({ ingress: _, ...rest }) => rest),
  "enableDefaultDeny": (w) => mapSpecs(w, (s) => ({ ...s, enableDefaultDeny: {} })),
  "specs after the first": (w) => ({
    ...w,
    policies: w.policies.map((p) => ({ ...p, specs: p.specs.slice(0, 1) })),
  }),
};

Deno.test("world: leaving a feature out changes verdicts", () => {
  const worlds = fc.sample(world, { seed: SEED, numRuns: WORLDS });
  const verdicts = worlds.map((w) => verdictsOf(w, boundaryPorts(w.policies)));
  const counts = Object.entries(FEATURES).map(([feature, leaveOut]) => {
    const changed = worlds.filter((w, i) =>
      verdictsOf(leaveOut(w), boundaryPorts(w.policies)) !== verdicts[i]
    );
    return [feature, changed.length] as const;
  });
  for (const [feature, count] of counts) console.log(`${feature}: ${count} of ${WORLDS}`);
  assertEquals(counts.filter(([, count]) => count < AT_LEAST), []);
});

function verdictsOf({ pods, namespaces, policies }: World, ports: readonly number[]): string {
  const peers = [
    ...pods.map((pod) => podPeer(pod, namespaces.find(({ name }) => name === pod.namespace))),
    reservedPeer("host"),
    reservedPeer("world-ipv4"),
    reservedPeer("remote-node"),
  ];
  let verdicts = "";
  for (const source of peers) {
    for (const destination of peers) {
      for (const protocol of [6, 17]) {
        for (const port of ports) {
          const { egress, ingress } = evaluate(policies, { source, destination, protocol, port });
          verdicts += `${egress.verdict[0]}${ingress.verdict[0]}`;
        }
      }
    }
  }
  return verdicts;
}
