/**
 * Services and where they lead.
 *
 * @module
 */
import type { IpAddress } from "./ip_address.ts";
import type { Location } from "./location.ts";

/** One item of `spec.ports` of a Service. */
export interface ServicePort {
  /** Absent where a service has a single, nameless port. */
  readonly name?: string;
  /** Port of the service's addresses, 1 to 65535. */
  readonly port: number;
  readonly protocol: "TCP" | "UDP" | "SCTP";
  /** Port of the pods: a number, or the name of a container port. `port` where none was given. */
  readonly targetPort: number | string;
}

/** A Service (`v1`). */
export interface Service {
  readonly kind: "Service";
  readonly namespace: string;
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly type: "ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName";
  /** Labels of the pods behind it; absent (or empty) for one whose endpoints others write. */
  readonly selector?: ReadonlyMap<string, string>;
  /** Empty for headless services, and before addresses are given out. */
  readonly clusterIps: readonly IpAddress[];
  readonly ports: readonly ServicePort[];
  readonly location: Location;
}

/** Addresses behind a service. */
export interface SliceEndpoint {
  readonly addresses: readonly IpAddress[];
  /** `conditions.ready`; unknown counts as ready, as Kubernetes says. */
  readonly ready: boolean;
  readonly nodeName?: string;
  /** The pod behind the addresses, if it is one. */
  readonly pod?: { readonly namespace: string; readonly name: string };
}

/**
 * An EndpointSlice (`discovery.k8s.io/v1`), or an Endpoints (`v1`), which has the same
 * meaning.
 */
export interface EndpointSlice {
  readonly kind: "EndpointSlice";
  /** The kind of the manifest. */
  readonly writtenAs: "EndpointSlice" | "Endpoints";
  readonly namespace: string;
  readonly name: string;
  /** Name of the service, in the same namespace; absent for a slice of nothing. */
  readonly serviceName?: string;
  readonly endpoints: readonly SliceEndpoint[];
  readonly ports: readonly {
    readonly name?: string;
    /** Absent: every port. */
    readonly port?: number;
    readonly protocol: "TCP" | "UDP" | "SCTP";
  }[];
  readonly location: Location;
}
