import type { CiliumCidrGroup, ClusterObject } from "../cluster/object.ts";
import { formatRef, refOf } from "../cluster/object.ts";
import type { EndpointSlice, Service } from "../cluster/service.ts";

/** Objects that rules refer to by name or label. */
export interface PeerFacts {
  readonly cidrGroups: readonly CiliumCidrGroup[];
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
}

/** No objects. */
export const NO_FACTS: PeerFacts = { cidrGroups: [], services: [], endpointSlices: [] };

/** What a rule refers to: its policy is compiled again when one of these changes. */
export type FactKind = "CiliumCIDRGroup" | "Service";

/** The objects that rules refer to, kept up to date. */
export class FactTable {
  readonly #objects = new Map<string, CiliumCidrGroup | Service | EndpointSlice>();
  #facts: PeerFacts | undefined;

  /** The objects that there are now. */
  get facts(): PeerFacts {
    return this.#facts ??= this.#collect();
  }

  /** Adds or replaces an object. */
  upsert(object: CiliumCidrGroup | Service | EndpointSlice): void {
    this.#objects.set(nameOf(object), object);
    this.#facts = undefined;
  }

  /** Takes an object out. */
  delete(object: CiliumCidrGroup | Service | EndpointSlice): void {
    this.#objects.delete(nameOf(object));
    this.#facts = undefined;
  }

  #collect(): PeerFacts {
    const objects = [...this.#objects.values()];
    return {
      cidrGroups: objects.filter((o) => o.kind === "CiliumCIDRGroup"),
      services: objects.filter((o) => o.kind === "Service"),
      endpointSlices: objects.filter((o) => o.kind === "EndpointSlice"),
    };
  }
}

/** Returns the facts on which an object is one. */
export function factKindOf(object: CiliumCidrGroup | Service | EndpointSlice): FactKind {
  return object.kind === "CiliumCIDRGroup" ? "CiliumCIDRGroup" : "Service";
}

function nameOf(object: ClusterObject): string {
  return formatRef(refOf(object));
}
