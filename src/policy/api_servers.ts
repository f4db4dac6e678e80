import type { IpAddress } from "../cluster/ip_address.ts";
import { formatRef, refOf } from "../cluster/object.ts";
import type { EndpointSlice } from "../cluster/service.ts";

/** Where the Kubernetes API is served: the endpoints of the service `default/kubernetes`. */
export class ApiServers {
  readonly #slices = new Map<string, EndpointSlice>();
  #changed = false;

  /** The addresses, without duplicates. */
  get addresses(): readonly IpAddress[] {
    const all = [...this.#slices.values()]
      .flatMap(({ endpoints }) => endpoints.flatMap(({ addresses }) => addresses));
    return [...new Map(all.map((address) => [address.text, address])).values()];
  }

  /** Notes a slice that is there (or is not any more); most are of other services. */
  note(slice: EndpointSlice, there: boolean): void {
    const name = formatRef(refOf(slice));
    const serves = slice.namespace === "default" && slice.serviceName === "kubernetes";
    if (!serves && !this.#slices.has(name)) return;
    if (there && serves) this.#slices.set(name, slice);
    else this.#slices.delete(name);
    this.#changed = true;
  }

  /** Tells whether something has changed since the last call. */
  takeChanged(): boolean {
    const changed = this.#changed;
    this.#changed = false;
    return changed;
  }
}
