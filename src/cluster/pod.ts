import type { Cursor } from "./cursor.ts";
import { type IpAddress, tryParseIpAddress } from "./ip_address.ts";
import { present, readMetadata } from "./metadata.ts";
import { type Namespace, NAMESPACE_NAME_LABEL, type Pod } from "./object.ts";

/**
 * Reads a Pod (`v1`). Only what policy depends on is read, other fields are not
 * looked at: a pod comes from the API server, not from a policy author.
 */
export function readPod(object: Cursor, defaultNamespace: string): Pod {
  const location = object.location;
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
    serviceAccount: present(spec?.get("serviceAccountName"))?.string() || "default",
    hostNetwork: present(spec?.get("hostNetwork"))?.boolean() ?? false,
    terminated: phase === "Succeeded" || phase === "Failed",
    addresses: readAddresses(status),
    location,
  };
}

function readAddresses(status: Map<string, Cursor> | undefined): IpAddress[] {
  const addresses = new Map<string, IpAddress>();
  for (const item of present(status?.get("podIPs"))?.items() ?? []) {
    const ip = present(item.entries().get("ip"));
    if (ip !== undefined) addAddress(addresses, ip);
  }
  const single = present(status?.get("podIP"));
  // `podIP` repeats the first of `podIPs`; alone it is what clusters before 1.16 report.
  if (single !== undefined && single.string() !== "") addAddress(addresses, single);
  return [...addresses.values()];
}

function addAddress(addresses: Map<string, IpAddress>, field: Cursor): void {
  const text = field.string();
  const address = tryParseIpAddress(text);
  if (address === undefined) field.fail(`is ${JSON.stringify(text)}`, "an IPv4 or IPv6 address");
  addresses.set(address.text, address);
}

/** Reads a Namespace (`v1`), with the label that the API server adds. */
export function readNamespace(object: Cursor): Namespace {
  const location = object.location;
  const { name, labels } = readMetadata("Namespace", object, object.entries().get("metadata"));
  return { kind: "Namespace", name, labels: withNameLabel(name, labels), location };
}

function withNameLabel(
  name: string,
  labels: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  return new Map([...labels, [NAMESPACE_NAME_LABEL, name]]);
}
