import { assertEquals } from "@std/assert";
import { readObjects } from "../../src/cluster/read_objects.ts";
import { CompiledCluster } from "../../src/explain/compiled_cluster.ts";
import { EndFinder } from "../../src/explain/end_finder.ts";
import type { NearMiss } from "../../src/explain/near_miss.ts";
import { parsePort } from "../../src/explain/port_text.ts";
import { SHOP } from "../cli/_clusters.ts";

/** What a rule for `shop/web` misses, of a flow to it. */
interface Row {
  readonly description: string;
  /** `spec.ingress` of the policy. */
  readonly ingress: string;
  readonly from: string;
  readonly port: string;
  readonly miss: Pick<NearMiss, "missing" | "texts"> & { readonly index: number } | undefined;
}

const ROWS: readonly Row[] = [
  {
    description: "a label with another value",
    ingress: "[{ fromEndpoints: [{ matchLabels: { app: api } }] }]",
    from: "shop/db",
    port: "80",
    miss: { index: 0, missing: ["peer"], texts: ["it asks for app=api, the peer has app=db"] },
  },
  {
    description: "a label that is not there",
    ingress: "[{ fromEndpoints: [{ matchLabels: { tier: front } }] }]",
    from: "shop/db",
    port: "80",
    miss: { index: 0, missing: ["peer"], texts: ["it asks for tier=front, the peer has no tier"] },
  },
  {
    description: "another namespace",
    ingress: "[{ fromEndpoints: [{ matchLabels: { app: monitor } }] }]",
    from: "ops/monitor",
    port: "80",
    miss: {
      index: 0,
      missing: ["peer"],
      texts: ["it asks for namespace=shop, the peer has namespace=ops"],
    },
  },
  {
    description: "a port outside of the range",
    ingress: `[{ toPorts: [{ ports: [{ port: "8080", endPort: 8090, protocol: TCP }] }] }]`,
    from: "shop/db",
    port: "8091",
    miss: { index: 0, missing: ["port"], texts: ["it is for 8080-8090/TCP, not 8091/TCP"] },
  },
  {
    description: "another protocol",
    ingress: `[{ toPorts: [{ ports: [{ port: "53", protocol: UDP }] }] }]`,
    from: "shop/db",
    port: "53/TCP",
    miss: { index: 0, missing: ["port"], texts: ["it is for 53/UDP, not 53/TCP"] },
  },
  {
    description: "a port name that nothing declares",
    ingress: `[{ toPorts: [{ ports: [{ port: http, protocol: TCP }] }] }]`,
    from: "shop/db",
    port: "80",
    miss: { index: 0, missing: ["port"], texts: [`it is for port "http", not 80/TCP`] },
  },
  {
    description: "a block that the address is outside of",
    ingress: "[{ fromCIDRSet: [{ cidr: 192.0.2.0/24, except: [192.0.2.128/25] }] }]",
    from: "192.0.2.200",
    port: "80",
    miss: {
      index: 0,
      missing: ["peer"],
      texts: ["it is for 192.0.2.0/24 except 192.0.2.128/25"],
    },
  },
  {
    description: "pods, asked for the world",
    ingress: "[{ fromEndpoints: [{ matchLabels: { app: api } }] }]",
    from: "world",
    port: "80",
    miss: {
      index: 0,
      missing: ["peer"],
      texts: ["it is for pods with app=api, namespace=shop, the peer is world-ipv4"],
    },
  },
  {
    description: "the nearest of several: one condition before two",
    ingress: `[
      { fromEndpoints: [{ matchLabels: { app: api } }], toPorts: [{ ports: [{ port: "80" }] }] },
      { fromEndpoints: [{ matchLabels: { app: db } }], toPorts: [{ ports: [{ port: "80" }] }] },
    ]`,
    from: "shop/db",
    port: "81",
    miss: {
      index: 1,
      missing: ["port"],
      texts: ["it is for 80/TCP, 80/UDP, 80/SCTP, not 81/TCP"],
    },
  },
  {
    description: "nothing, where no rule allows anybody",
    ingress: "[{}]",
    from: "shop/db",
    port: "81",
    miss: undefined,
  },
];

for (const { description, ingress, from, port, miss } of ROWS) {
  Deno.test(`nearestMiss() names ${description}`, async () => {
    const policy = `{ apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy,
      metadata: { name: p, namespace: shop },
      spec: { endpointSelector: { matchLabels: { app: web } }, ingress: ${ingress} } }`;
    const { objects, errors } = readObjects([
      { name: "shop", text: SHOP },
      { name: "policy", text: policy },
    ]);
    assertEquals(errors, []);
    const finder = new EndFinder(objects);
    using cluster = await CompiledCluster.compile(objects);
    const [source, destination] = [finder.find(from), finder.find("shop/web")];
    const found = cluster.nearestMiss({ source, destination, ...parsePort(port) }, "ingress");
    const told = found && { index: found.rule.index, missing: found.missing, texts: found.texts };
    assertEquals(told, miss);
  });
}
