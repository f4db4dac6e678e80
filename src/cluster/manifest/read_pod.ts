import type { IpAddress } from "../ip_address.ts";
import { type ContainerPort, type Namespace, NAMESPACE_NAME_LABEL, type Pod } from "../object.ts";
import type { Cursor } from "./cursor.ts";
import { readMetadata } from "./metadata.ts";
import { optional, present } from "./presence.ts";
import { readAddress } from "./read_address.ts";

/**
 * Reads a Pod (`v1`). Only what policy depends on is read, other fields are not
 * looked at: a pod comes from the API server, not from a policy author.
 */
export function readPod(object: Cursor, defaultNamespace: string): Pod {
  const { location } = object;
  const fields = object.entries();
  const { name, namespace, labels } = readMetadata("Pod", object, fields.get("metadata"));
  const spec = present(fields.get("spec"))?.entries();
  const status = present(fields.get("status"))?.entries();
  const phase = present(status?.get("phase"))?.string();
  return {
    kind: "Pod",
    namespace: namespace ?? defaultNamespace,
    name,
    labels,
    ...readPodSpec(spec),
    terminated: phase === "Succeeded" || phase === "Failed",
    addresses: readAddresses(status),
    ...optional("nodeName", present(spec?.get("nodeName"))?.string() || undefined),
    location,
  };
}

/** Reads what a pod's spec and a workload's template have in common. */
export function readPodSpec(
  spec: ReadonlyMap<string, Cursor> | undefined,
): Pick<Pod, "serviceAccount" | "hostNetwork" | "containerPorts"> {
  const containerPorts = readPorts(spec);
  return {
    serviceAccount: present(spec?.get("serviceAccountName"))?.string() || "default",
    hostNetwork: present(spec?.get("hostNetwork"))?.boolean() ?? false,
    ...optional("containerPorts", containerPorts.length === 0 ? undefined : containerPorts),
  };
}

/** Equal lists are one. */
function readPorts(spec: ReadonlyMap<string, Cursor> | undefined): readonly ContainerPort[] {
  const ports = [...readContainerPorts(spec)];
  return spec?.get("containers")?.share(`ports ${JSON.stringify(ports)}`, ports) ?? ports;
}

/** Side cars are init containers that go on running; ordinary ones are gone when traffic comes. */
function* readContainerPorts(
  spec: ReadonlyMap<string, Cursor> | undefined,
): Generator<ContainerPort> {
  for (const list of ["initContainers", "containers"]) {
    for (const container of present(spec?.get(list))?.items() ?? []) {
      const fields = container.entries();
      const restarts = present(fields.get("restartPolicy"))?.string() === "Always";
      if (list === "initContainers" && !restarts) continue;
      for (const port of present(fields.get("ports"))?.items() ?? []) yield readContainerPort(port);
    }
  }
}

function readContainerPort(field: Cursor): ContainerPort {
  const fields = field.entries();
  const port = present(fields.get("containerPort")) ??
    field.fail("has no containerPort", "containerPort");
  return {
    ...optional("name", present(fields.get("name"))?.string() || undefined),
    port: port.integer(1, 0xffff),
    protocol: present(fields.get("protocol"))?.oneOf(["TCP", "UDP", "SCTP"]) ?? "TCP",
  };
}

function readAddresses(status: Map<string, Cursor> | undefined): IpAddress[] {
  const addresses = new Map<string, IpAddress>();
  const add = (field: Cursor) => {
    const address = readAddress(field);
    addresses.set(address.text, address);
  };
  for (const item of present(status?.get("podIPs"))?.items() ?? []) {
    const ip = present(item.entries().get("ip"));
    if (ip !== undefined) add(ip);
  }
  const single = present(status?.get("podIP"));
  // `podIP` repeats the first of `podIPs`; alone it is what clusters before 1.16 report.
  if (single !== undefined && single.string() !== "") add(single);
  return [...addresses.values()];
}

/** Reads a Namespace (`v1`), with the label that the API server adds. */
export function readNamespace(object: Cursor): Namespace {
  const { location } = object;
  const { name, labels } = readMetadata("Namespace", object, object.entries().get("metadata"));
  const all = new Map([...labels, [NAMESPACE_NAME_LABEL, name]]);
  return { kind: "Namespace", name, labels: all, location };
}
