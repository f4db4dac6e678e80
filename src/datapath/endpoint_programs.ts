import {
  type BpfMap,
  type Collection,
  type CollectionSpec,
  prepare,
  type PrepareOptions,
  type Template,
} from "ebpf-ts-loader";
import type { EndpointState, NodeState } from "./datapath.ts";
import { eventMaskOf } from "./event_mask.ts";

/** What an endpoint's constants hold beside its own state; see bpf/config.h. */
export interface EndpointSettings {
  /** Bits of `enum event_mask`: which events the endpoint raises. */
  readonly events: number;
  /** Seconds in which events of one kind are raised once; 0: no aggregation. */
  readonly eventInterval: number;
  /** Take the clock from the `ambient_input` map instead of the machine. */
  readonly ambient: boolean;
}

/** The settings that a node's state asks for. */
export function settingsOf(state: NodeState, ambient: boolean): EndpointSettings {
  return { events: eventMaskOf(state), eventInterval: state.eventInterval ?? 0, ambient };
}

/**
 * Makes the programs of endpoints from one compiled object: the constants of bpf/config.h are
 * patched per endpoint, everything else is shared (ELF templating; see Cilium's bpf_lxc template).
 *
 * Requires Linux 5.10 (tail calls from functions that call others).
 */
export class EndpointTemplate implements Disposable {
  readonly #template: Template;
  readonly #settings: EndpointSettings;

  /**
   * Creates the datapath's maps, but for those that `options` give.
   *
   * @param spec The datapath object; it must not change while the template is in use.
   */
  constructor(spec: CollectionSpec, settings: EndpointSettings, options: PrepareOptions = {}) {
    this.#settings = settings;
    this.#template = prepare(spec, options);
  }

  /** The datapath's maps, by name; they stay the template's. */
  get maps(): ReadonlyMap<string, BpfMap> {
    return this.#template.maps;
  }

  /**
   * Loads the programs of one endpoint; the caller owns them. `from_container` is for TC ingress
   * and `to_container` for TC egress of the host side of its veth, `policy_ingress` for its slot
   * of the map `endpoint_programs`.
   *
   * @throws {VerifierError} If the kernel refuses a program.
   */
  load(endpoint: EndpointState): Collection {
    return this.#template.instantiate({ variables: endpointConstants(endpoint, this.#settings) });
  }

  /** Closes the maps. Programs that are attached keep them alive. */
  [Symbol.dispose](): void {
    this.#template[Symbol.dispose]();
  }
}

/** The variables of bpf/config.h for one endpoint. */
export function endpointConstants(
  endpoint: EndpointState,
  { events, eventInterval, ambient }: EndpointSettings,
): Record<string, number> {
  const ipv6 = words(endpoint.ipv6 ?? new Uint8Array(16));
  return {
    config_endpoint: endpoint.id,
    config_ifindex: endpoint.ifindex,
    config_ipv4: words(endpoint.ipv4 ?? new Uint8Array(4))[0] ?? 0,
    config_ipv6_0: ipv6[0] ?? 0,
    config_ipv6_1: ipv6[1] ?? 0,
    config_ipv6_2: ipv6[2] ?? 0,
    config_ipv6_3: ipv6[3] ?? 0,
    config_events: events,
    config_event_interval: eventInterval,
    config_ambient: ambient ? 1 : 0,
  };
}

/** The bytes as the machine's words: network order stays where it is. */
function words(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(i * 4, true));
}
