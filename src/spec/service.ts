import type { IpAddress } from "../cluster/ip_address.ts";
import type { ClusterObject } from "../cluster/object.ts";
import type { ServicePeer } from "../cluster/rule_peer.ts";
import type { Service } from "../cluster/service.ts";
import { isAtAddress } from "./address.ts";
import type { SideFlow } from "./flow.ts";
import { holdsFor } from "./select.ts";

/**
 * Is the peer behind the service? A service with a selector stands for the pods that it
 * selects, one without for the addresses of its EndpointSlices, as blocks:
 * https://docs.cilium.io/en/stable/security/policy/layer3/#services-based.
 */
export function isBehind(asked: ServicePeer, flow: SideFlow): boolean {
  const { objects, other: { peer } } = flow;
  return servicesMeant(asked, objects).some((service) => {
    const { namespace, selector = new Map() } = service;
    if (selector.size === 0) {
      const addresses = addressesOf(service, objects);
      return isAtAddress(flow, ({ text }) => addresses.some((own) => own.text === text));
    }
    return peer.kind === "pod" && peer.namespace === namespace &&
      [...selector].every(([key, value]) => peer.labels.get(key) === value);
  });
}

/** The addresses that a rule names by a service without pods behind it. */
export function addressesBehind(
  asked: ServicePeer,
  objects: readonly ClusterObject[],
): IpAddress[] {
  return servicesMeant(asked, objects)
    .filter(({ selector = new Map() }) => selector.size === 0)
    .flatMap((service) => addressesOf(service, objects));
}

/**
 * Without a namespace a service of any namespace is meant: `serviceRefMatches` and
 * `serviceSelectorMatches` in cilium v1.19 pkg/policy/k8s/service.go.
 */
function servicesMeant(asked: ServicePeer, objects: readonly ClusterObject[]): Service[] {
  return objects.filter((object) => object.kind === "Service").filter((service) => {
    if (asked.namespace !== undefined && asked.namespace !== service.namespace) return false;
    return "serviceName" in asked
      ? asked.serviceName === service.name
      : holdsFor(asked.selector, service.labels);
  });
}

function addressesOf({ namespace, name }: Service, objects: readonly ClusterObject[]): IpAddress[] {
  return objects.filter((object) => object.kind === "EndpointSlice")
    .filter((slice) => slice.namespace === namespace && slice.serviceName === name)
    .flatMap(({ endpoints }) => endpoints.filter(({ ready }) => ready))
    .flatMap((endpoint) => endpoint.addresses);
}
