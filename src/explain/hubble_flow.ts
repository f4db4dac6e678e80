/**
 * Recorded flows, as `hubble observe -o jsonpb` writes them: one JSON object per line.
 *
 * Format: https://docs.cilium.io/en/stable/_api/v1/flow/README/
 *
 * @module
 */
import { tryParseIpAddress } from "../cluster/ip_address.ts";
import type { Request } from "../cluster/l7_request.ts";
import { type End, type EndFinder, UnknownEndError } from "./end_finder.ts";
import { type EndText, SINGLE_ENTITIES, type SingleEntity } from "./end_text.ts";
import { type FlowPort, portOf } from "./port_text.ts";

/** One end of a recorded flow. */
export interface HubbleEnd {
  readonly address?: string;
  readonly namespace?: string;
  readonly podName?: string;
  /** With source, as in `k8s:app=web`. */
  readonly labels: readonly string[];
}

/** One recorded flow, from its first packet. */
export interface HubbleFlow extends FlowPort {
  readonly source: HubbleEnd;
  readonly destination: HubbleEnd;
  readonly request?: Request;
  /** What became of it, in Hubble's words: `FORWARDED`, `DROPPED`, … */
  readonly verdict: string;
}

/**
 * Parses one line.
 *
 * @returns `undefined` for what is no flow to ask about: replies (policy does not see them),
 *   responses, other events, flows without a transport.
 * @throws {SyntaxError} when the line is not JSON, or a flow has a field of a wrong kind.
 */
export function parseHubbleFlow(line: string): HubbleFlow | undefined {
  const event = record(parsed(line), "event");
  // Older versions wrote the flow itself.
  const flow = event.flow === undefined && event.source !== undefined ? event : event.flow;
  if (flow === undefined) return undefined;
  const { IP, l4, l7, source, destination, verdict, is_reply } = record(flow, "flow");
  if (is_reply === true || l4 === undefined) return undefined;
  const said = requestOf(l7);
  if (said === "response") return undefined;
  const port = portOfL4(record(l4, "l4"));
  if (port === undefined) return undefined;
  const addresses = optionalRecord(IP, "IP");
  return {
    source: endOf(optionalRecord(source, "source"), text(addresses.source)),
    destination: endOf(optionalRecord(destination, "destination"), text(addresses.destination)),
    ...port,
    ...(said === undefined ? {} : { request: said }),
    verdict: text(verdict) ?? "",
  };
}

/**
 * Finds an end in a cluster: the pod if it is there, else what its labels say, else what is
 * at its address.
 *
 * @throws {UnknownEndError} when nothing is known of it.
 */
export function findHubbleEnd(end: HubbleEnd, finder: EndFinder): End {
  const { address, namespace = "", podName, labels } = end;
  if (podName !== undefined && namespace !== "") {
    const pod = tryPod(namespace, podName, finder);
    if (pod !== undefined) return pod;
  }
  const own = new Map(labels.flatMap((label) => ownLabel(label)));
  if (own.size > 0 && namespace !== "") {
    const name = [...own].map(([key, value]) => `${key}=${value}`).join(",");
    const text: EndText = { kind: "labels", namespace, labels: own, ...accountOf(labels) };
    return finder.endOf(text, `${namespace}/{${name}}`);
  }
  const known = address === undefined ? undefined : tryParseIpAddress(address);
  const entity = entityOf(labels);
  // The address says more than "world": rules may name its block.
  if (known !== undefined && (entity === undefined || entity.startsWith("world"))) {
    return finder.endOf({ kind: "address", address: known }, known.text);
  }
  if (entity !== undefined) return finder.endOf({ kind: "entity", entity }, entity);
  throw new UnknownEndError(
    "Cannot find an end of a flow: no pod, labels or address, expected one",
  );
}

function tryPod(namespace: string, name: string, finder: EndFinder): End | undefined {
  try {
    return finder.endOf({ kind: "pod", namespace, name }, `${namespace}/${name}`);
  } catch (error) {
    if (!(error instanceof UnknownEndError)) throw error;
    return undefined;
  }
}

/** A label of the pod itself; those that Cilium adds say what the namespace says. */
function ownLabel(label: string): [string, string][] {
  const match = /^k8s:([^=]+)=?(.*)$/.exec(label);
  const [, key = "", value = ""] = match ?? [];
  if (match === null || key.startsWith("io.cilium.k8s.") || key.startsWith("io.kubernetes.")) {
    return [];
  }
  return [[key, value]];
}

function accountOf(labels: readonly string[]): { readonly serviceAccount?: string } {
  const prefix = "k8s:io.cilium.k8s.policy.serviceaccount=";
  const serviceAccount = labels.find((label) => label.startsWith(prefix))?.slice(prefix.length);
  return serviceAccount === undefined ? {} : { serviceAccount };
}

function entityOf(labels: readonly string[]): SingleEntity | undefined {
  const names = labels.flatMap((label) => /^reserved:([-a-z0-9]+)$/.exec(label)?.[1] ?? []);
  const known = SINGLE_ENTITIES.filter((entity) => names.includes(entity));
  // The API server's node is a remote node, too.
  return known.find((entity) => entity === "kube-apiserver") ?? known[0];
}

const TRANSPORTS = { TCP: "tcp", UDP: "udp", SCTP: "sctp" } as const;

function portOfL4(l4: Fields): FlowPort | undefined {
  for (const [name, protocol] of Object.entries(TRANSPORTS)) {
    if (l4[name] === undefined) continue;
    return portOf(protocol, number(record(l4[name], name).destination_port, "destination_port"));
  }
  for (const [name, protocol] of [["ICMPv4", "icmp"], ["ICMPv6", "icmpv6"]] as const) {
    // JSON of protocol buffers leaves a 0 out: an echo reply.
    if (l4[name] === undefined) continue;
    return portOf(protocol, number(record(l4[name], name).type ?? 0, "type"));
  }
  return undefined;
}

function requestOf(l7: unknown): Request | "response" | undefined {
  if (l7 === undefined) return undefined;
  const { type, http, dns } = record(l7, "l7");
  if (type === "RESPONSE") return "response";
  if (http !== undefined) {
    const { method, url, headers } = record(http, "http");
    const target = new URL(text(url) ?? "/", "http://host.invalid");
    const named = Object.fromEntries(
      list(headers).map((item) => record(item, "header"))
        .map(({ key, value }) => [text(key) ?? "", text(value) ?? ""]),
    );
    const host = target.host === "host.invalid" ? undefined : target.host;
    return {
      kind: "http",
      http: {
        method: text(method) ?? "GET",
        path: target.pathname + target.search,
        headers: named,
        ...(host === undefined ? {} : { host }),
      },
    };
  }
  const query = dns === undefined ? undefined : text(record(dns, "dns").query);
  return query === undefined ? undefined : { kind: "dns", dns: { name: query } };
}

function endOf(end: Fields, address: string | undefined): HubbleEnd {
  const [namespace, podName] = [text(end.namespace), text(end.pod_name)];
  return {
    ...(address === undefined ? {} : { address }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(podName === undefined ? {} : { podName }),
    labels: list(end.labels).flatMap((label) => text(label) ?? []),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new SyntaxError("not JSON, expected a flow of hubble observe -o jsonpb");
  }
}

function record(value: unknown, name: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new SyntaxError(`${name} is not an object, expected a flow of hubble observe -o jsonpb`);
}

function optionalRecord(value: unknown, name: string): Fields {
  return value === undefined || value === null ? {} : record(value, name);
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function number(value: unknown, name: string): number {
  if (typeof value === "number") return value;
  throw new SyntaxError(`${name} is not a number, expected a flow of hubble observe -o jsonpb`);
}
