import { evaluateSide, type SideVerdict } from "../../src/spec/evaluate.ts";
import type { Request } from "../../src/cluster/l7_request.ts";
import type { ReadWorld } from "./features.ts";
import { flowOf, type Side } from "./flows.ts";
import { DNS_NAMES, NODES, REQUESTS } from "./universe.ts";

/** Requests to send where a proxy reads a protocol. */
export const REQUESTS_OF: Readonly<Record<Request["kind"], readonly Request[]>> = {
  http: REQUESTS.map((http) => ({ kind: "http", http })),
  dns: [...DNS_NAMES, "deep.v1.api.example.com"].map((name) => ({ kind: "dns", dns: { name } })),
  tls: [
    ...[...DNS_NAMES, "deep.v1.api.example.com"].map((serverName) => ({
      kind: "tls" as const,
      tls: { serverName },
    })),
    { kind: "tls", tls: {} },
  ],
};

/** What the naive evaluator says of a side of a flow, from the first node. */
export function answer(
  { objects, settings, names }: ReadWorld,
  side: Side,
  request?: Request,
): SideVerdict {
  const flow = { ...flowOf(side), ...(request === undefined ? {} : { request }) };
  return evaluateSide(objects, flow, side.direction, { ...settings, names, node: NODES[0].name });
}

/** What of an answer is a verdict: everything but the rules behind it, with all requests. */
export function verdictText(world: ReadWorld, side: Side): string {
  const { verdict, reason, redirect, authentication } = answer(world, side);
  const requests = redirect === undefined
    ? []
    : REQUESTS_OF[redirect.kind].map((request) => answer(world, side, request).redirect?.verdict);
  return [verdict, reason, redirect?.kind, authentication, ...requests].join(" ");
}
