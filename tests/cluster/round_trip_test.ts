/** What is written as a manifest is read as it was meant. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { stringify } from "yaml";
import type { CiliumNetworkPolicy, Pod } from "../../src/cluster/object.ts";
import { readObjects } from "../../src/cluster/read_objects.ts";
import type { LabelSelector, PolicySpec, TrafficRule } from "../../src/cluster/rule.ts";
import { SEED, world } from "../policy/_random.ts";

function writeSelector({ matchLabels, matchExpressions }: LabelSelector) {
  return {
    matchLabels: Object.fromEntries(matchLabels.map((l) => [`${l.source}:${l.key}`, l.value])),
    matchExpressions: matchExpressions.map(({ source, key, operator, values }) => ({
      key: `${source}:${key}`,
      operator,
      values,
    })),
  };
}

function writeRule({ endpoints, toPorts }: TrafficRule, peers: string) {
  return {
    ...(endpoints === undefined ? {} : { [peers]: endpoints.map(writeSelector) }),
    ...(toPorts === undefined ? {} : {
      toPorts: toPorts.map(({ ports }) => ({
        ports: ports.map((p) => ({ ...p, port: String(p.port) })),
      })),
    }),
  };
}

function writeSpec({ endpointSelector, enableDefaultDeny, ingress, egress }: PolicySpec) {
  return {
    endpointSelector: writeSelector(endpointSelector),
    enableDefaultDeny,
    ...(ingress === undefined
      ? {}
      : { ingress: ingress.map((r) => writeRule(r, "fromEndpoints")) }),
    ...(egress === undefined ? {} : { egress: egress.map((r) => writeRule(r, "toEndpoints")) }),
  };
}

function writePolicy({ kind, namespace, name, specs }: CiliumNetworkPolicy) {
  return {
    apiVersion: "cilium.io/v2",
    kind,
    metadata: { namespace, name },
    specs: specs.map(writeSpec),
  };
}

function writePod({ kind, namespace, name, labels, serviceAccount, hostNetwork, addresses }: Pod) {
  return {
    apiVersion: "v1",
    kind,
    metadata: { namespace, name, labels: Object.fromEntries(labels) },
    spec: { serviceAccountName: serviceAccount, hostNetwork },
    status: { podIPs: addresses.map(({ text }) => ({ ip: text })) },
  };
}

for (
  const [format, write] of [
    ["YAML", (objects: unknown[]) => objects.map((o) => stringify(o)).join("---\n")],
    ["JSON", (objects: unknown[]) => JSON.stringify({ kind: "List", items: objects }, null, 2)],
  ] as const
) {
  Deno.test(`readObjects() reads random clusters back from ${format}`, () => {
    console.log(`seed ${SEED}`);
    fc.assert(
      fc.property(world, ({ pods, policies }) => {
        // A policy of specs without rules is refused; it would say nothing.
        const meaningful = policies.filter(({ specs }) =>
          specs.every(({ ingress = [], egress = [] }) => ingress.length + egress.length > 0)
        );
        const text = write([...pods.map(writePod), ...meaningful.map(writePolicy)]);
        const { objects, errors } = readObjects([{ name: "random", text }]);
        assertEquals(errors, []);
        const { location } = { location: { file: "random", line: 1, column: 1 } };
        assertEquals(objects.map((o) => ({ ...o, location })), [...pods, ...meaningful]);
      }),
      { seed: SEED, numRuns: 60 },
    );
  });
}
