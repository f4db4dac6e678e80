/**
 * Verdicts by hand, each after public documentation, asked of every opinion.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { parseIpAddress } from "../../../src/cluster/ip_address.ts";
import type { ClusterObject } from "../../../src/cluster/object.ts";
import { RESERVED } from "../../../src/identity/reserved.ts";
import { Ends } from "../../../src/spec/ends.ts";
import { evaluate, finalVerdict, type FlowVerdict } from "../../../src/spec/evaluate.ts";
import type { Request } from "../../../src/cluster/l7_request.ts";
import { type Peer, reservedPeer } from "../../../src/spec/peer.ts";
import { CompiledWorld } from "../../generate/compiled.ts";
import { readAll } from "../../generate/read.ts";
import type { WorldSettings } from "../../generate/world.ts";
import { CLUSTER, NAMES } from "./_cluster.ts";

/** Cilium's documentation of policy. */
export const DOCS = "https://docs.cilium.io/en/stable/security/policy";
/** Cilium's source. */
export const CODE = "https://github.com/cilium/cilium/blob/v1.19.0/pkg";
/** The documentation of the Kubernetes NetworkPolicy. */
export const KUBERNETES =
  "https://kubernetes.io/docs/concepts/services-networking/network-policies/";
/** The documentation of the ClusterNetworkPolicy. */
export const TIERS = "https://network-policy-api.sigs.k8s.io/api-overview/";

/** What becomes of a flow, at which side. */
export type Verdict =
  | "allowed"
  | "redirected"
  | "denied at egress"
  | "denied at ingress"
  | "asks for authentication";

/** One flow: from, to, `port/protocol`, verdict, what the row shows. */
export type Row = readonly [
  from: string,
  to: string,
  port: string,
  verdict: Verdict,
  description: string,
  request?: Request,
];

const DEFAULTS: WorldSettings = { allowLocalhost: true, mode: "default", cidrMatchMode: [] };

/** Policies, and what they say of some flows. */
export interface Table {
  /** Documentation that the verdicts follow. */
  readonly source: string;
  /** Manifests in YAML. */
  readonly policies: string;
  /** Where they are not Cilium's defaults. */
  readonly settings?: Partial<WorldSettings>;
  readonly flows: readonly Row[];
}

/** Makes a test of every row. */
export function testVerdicts(tables: readonly Table[]): void {
  for (const table of tables) for (const row of table.flows) testVerdict(table, row);
}

function testVerdict({ source, policies, ...table }: Table, row: Row): void {
  const settings = { ...DEFAULTS, ...table.settings };
  const [from, to, port, verdict, description, request] = row;
  Deno.test(`policy: ${description} (${from} → ${to} ${port}; ${source})`, async () => {
    const objects = readAll([CLUSTER, policies]);
    const [number = "", protocolName = ""] = port.split("/");
    const protocol = PROTOCOLS[protocolName] ?? -1;

    const spec = evaluate(objects, {
      source: endOf(objects, from),
      destination: endOf(objects, to),
      protocol,
      port: Number(number),
      ...(request === undefined ? {} : { request }),
    }, { ...settings, names: NAMES, node: "n1" });
    assertEquals(verdictOf(spec), verdict, "naive evaluator");

    const compiled = await CompiledWorld.make(objects, settings, NAMES);
    assertEquals(
      verdictOf(compiledVerdict(compiled, objects, row, protocol)),
      verdict,
      "map state",
    );
  });
}

function compiledVerdict(
  compiled: CompiledWorld,
  objects: readonly ClusterObject[],
  [from, to, port, , , request]: Row,
  protocol: number,
): FlowVerdict {
  const [source, destination] = [
    compiledEnd(compiled, objects, from),
    compiledEnd(compiled, objects, to),
  ];
  const number = Number(port.split("/")[0]);
  return {
    egress: compiled.ask(source.policy, destination.identity, "egress", protocol, number, request),
    ingress: compiled.ask(
      destination.policy,
      source.identity,
      "ingress",
      protocol,
      number,
      request,
    ),
  };
}

function compiledEnd(compiled: CompiledWorld, objects: readonly ClusterObject[], name: string) {
  for (const object of objects) {
    const isPod = object.kind === "Pod" &&
      (`${object.namespace}/${object.name}` === name || object.addresses[0]?.text === name);
    const isNode = object.kind === "Node" && object.name === name;
    if (!isPod && !isNode) continue;
    const address = isPod ? object.addresses[0] : isNode ? object.addresses[0]?.address : undefined;
    if (address === undefined) throw new TypeError(`Cannot reach "${name}": no address`);
    const policy = compiled.policyOf(isPod ? { title: name, pod: object } : { title: name });
    return { policy, identity: compiled.identityAt(address) };
  }
  if (IS_ADDRESS.test(name)) {
    return { policy: undefined, identity: compiled.identityAt(parseIpAddress(name)) };
  }
  return { policy: undefined, identity: RESERVED_NUMBERS[name] ?? -1 };
}

const IS_ADDRESS = /[0-9a-f]*[.:]/;
const RESERVED_NUMBERS: Readonly<Record<string, number>> = {
  health: RESERVED.HEALTH,
  unmanaged: RESERVED.UNMANAGED,
  "world-ipv4": RESERVED.WORLD_IPV4,
  "world-ipv6": RESERVED.WORLD_IPV6,
};

/** Protocol numbers by name. */
const PROTOCOLS: Readonly<Record<string, number>> = {
  TCP: 6,
  UDP: 17,
  SCTP: 132,
  ICMP: 1,
  ICMPv6: 58,
};

/** `namespace/pod`, the name of a node, an address, or a reserved label. */
function endOf(objects: readonly ClusterObject[], name: string): Peer {
  const ends = new Ends(objects);
  for (const object of objects) {
    if (object.kind === "Pod" && `${object.namespace}/${object.name}` === name) {
      return ends.pod(object);
    }
    if (object.kind === "Node" && object.name === name) return ends.node(name);
  }
  if (IS_ADDRESS.test(name)) return ends.at(parseIpAddress(name));
  return reservedPeer(name);
}

function verdictOf(verdict: FlowVerdict): Verdict {
  const { egress, ingress } = verdict;
  for (const [side, { verdict, redirect }] of Object.entries({ egress, ingress })) {
    if (verdict === "deny" || redirect?.verdict === "deny") {
      return side === "egress" ? "denied at egress" : "denied at ingress";
    }
  }
  if (egress.authentication ?? ingress.authentication) return "asks for authentication";
  return finalVerdict(verdict) === "redirected" ? "redirected" : "allowed";
}
