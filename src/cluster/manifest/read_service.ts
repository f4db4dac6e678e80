import type { IpAddress } from "../ip_address.ts";
import type { EndpointSlice, Service, ServicePort, SliceEndpoint } from "../service.ts";
import type { Cursor } from "./cursor.ts";
import { readLabels, readMetadata } from "./metadata.ts";
import { optional, present } from "./presence.ts";
import { readAddress } from "./read_address.ts";

const TYPES = ["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"] as const;
const TRANSPORTS = ["TCP", "UDP", "SCTP"] as const;

/** Label by which a slice names its service. */
const SERVICE_NAME_LABEL = "kubernetes.io/service-name";

/** Reads a Service (`v1`). */
export function readService(object: Cursor, defaultNamespace: string): Service {
  const { location } = object;
  const fields = object.entries();
  const metadata = readMetadata("Service", object, fields.get("metadata"));
  const { name, namespace = defaultNamespace, labels } = metadata;
  const spec = present(fields.get("spec"))?.entries();
  const selector = present(spec?.get("selector"));
  return {
    kind: "Service",
    namespace,
    name,
    labels,
    type: present(spec?.get("type"))?.oneOf(TYPES) ?? "ClusterIP",
    ...optional("selector", selector === undefined ? undefined : readLabels(selector)),
    clusterIps: readClusterIps(spec),
    ports: (present(spec?.get("ports"))?.items() ?? []).map(readServicePort),
    location,
  };
}

/** `clusterIP` repeats the first of `clusterIPs`; `None` is a headless service. */
function readClusterIps(spec: ReadonlyMap<string, Cursor> | undefined): IpAddress[] {
  const many = present(spec?.get("clusterIPs"))?.items() ?? [];
  const single = present(spec?.get("clusterIP"));
  const given = [...many, ...(single === undefined ? [] : [single])]
    .filter((field) => !["", "None"].includes(field.string()))
    .map(readAddress);
  return [...new Map(given.map((address) => [address.text, address])).values()];
}

function readServicePort(field: Cursor): ServicePort {
  const fields = field.entries();
  const port = (present(fields.get("port")) ?? field.fail("has no port", "port"))
    .integer(1, 0xffff);
  const target = present(fields.get("targetPort"));
  return {
    ...optional("name", present(fields.get("name"))?.string() || undefined),
    port,
    protocol: readTransport(fields),
    targetPort: target === undefined ? port : readTargetPort(target) || port,
  };
}

/** 0 and "" are how Go clients write an absent one. */
function readTargetPort(field: Cursor): number | string {
  return field.isNumber ? field.integer(0, 0xffff) : field.string();
}

function readTransport(fields: ReadonlyMap<string, Cursor>): "TCP" | "UDP" | "SCTP" {
  return present(fields.get("protocol"))?.oneOf(TRANSPORTS) ?? "TCP";
}

/** Reads an EndpointSlice (`discovery.k8s.io/v1`). */
export function readEndpointSlice(object: Cursor, defaultNamespace: string): EndpointSlice {
  const { location } = object;
  const fields = object.entries();
  const metadata = readMetadata("EndpointSlice", object, fields.get("metadata"));
  const { name, namespace = defaultNamespace, labels } = metadata;
  // Slices of type FQDN hold names; they lead to no address.
  const type = present(fields.get("addressType"))?.oneOf(["IPv4", "IPv6", "FQDN"]);
  const endpoints = type === "FQDN" ? [] : present(fields.get("endpoints"))?.items() ?? [];
  return {
    kind: "EndpointSlice",
    writtenAs: "EndpointSlice",
    namespace,
    name,
    ...optional("serviceName", labels.get(SERVICE_NAME_LABEL)),
    endpoints: endpoints.map((endpoint) => readEndpoint(endpoint, namespace)),
    ports: (present(fields.get("ports"))?.items() ?? []).map(readSlicePort),
    location,
  };
}

function readEndpoint(field: Cursor, namespace: string): SliceEndpoint {
  const fields = field.entries();
  const conditions = present(fields.get("conditions"))?.entries();
  return {
    addresses: (present(fields.get("addresses"))?.items() ?? []).map(readAddress),
    ready: present(conditions?.get("ready"))?.boolean() ?? true,
    ...readTarget(fields, namespace),
  };
}

function readTarget(
  fields: ReadonlyMap<string, Cursor>,
  namespace: string,
): Pick<SliceEndpoint, "nodeName" | "pod"> {
  const target = present(fields.get("targetRef"))?.entries();
  const name = present(target?.get("name"))?.string();
  const isPod = present(target?.get("kind"))?.string() === "Pod";
  const pod = !isPod || name === undefined
    ? undefined
    : { namespace: present(target?.get("namespace"))?.string() ?? namespace, name };
  return {
    ...optional("nodeName", present(fields.get("nodeName"))?.string() || undefined),
    ...optional("pod", pod),
  };
}

function readSlicePort(field: Cursor): EndpointSlice["ports"][number] {
  const fields = field.entries();
  return {
    ...optional("name", present(fields.get("name"))?.string() || undefined),
    ...optional("port", present(fields.get("port"))?.integer(1, 0xffff)),
    protocol: readTransport(fields),
  };
}

/**
 * Reads an Endpoints (`v1`), whose name is that of its service, as the slices into which
 * Kubernetes mirrors it: one for each subset, since each has ports of its own.
 */
export function readEndpoints(object: Cursor, defaultNamespace: string): EndpointSlice[] {
  const { location } = object;
  const fields = object.entries();
  const metadata = readMetadata("Endpoints", object, fields.get("metadata"));
  const { name, namespace = defaultNamespace } = metadata;
  const subsets = present(fields.get("subsets"))?.items() ?? [];
  return subsets.map((subset, i) => {
    const parts = subset.entries();
    const addresses = (list: string, ready: boolean) =>
      (present(parts.get(list))?.items() ?? []).map((item): SliceEndpoint => {
        const entry = item.entries();
        const ip = present(entry.get("ip")) ?? item.fail("has no ip", "ip");
        return { addresses: [readAddress(ip)], ready, ...readTarget(entry, namespace) };
      });
    return {
      kind: "EndpointSlice",
      writtenAs: "Endpoints",
      namespace,
      name: i === 0 ? name : `${name}.${i}`,
      serviceName: name,
      endpoints: [...addresses("addresses", true), ...addresses("notReadyAddresses", false)],
      ports: (present(parts.get("ports"))?.items() ?? []).map(readSlicePort),
      location,
    };
  });
}
