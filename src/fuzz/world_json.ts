/**
 * A world as JSON, for reproducers. Addresses are texts, MACs hexadecimal.
 *
 * @module
 */
import { tryParseIpAddress } from "../cluster/ip_address.ts";
import type {
  AddressBytes,
  EndpointState,
  EventKind,
  IpcacheState,
  PolicyState,
} from "../datapath/datapath.ts";
import type { MergeMode } from "../datapath/image_builder.ts";
import type { MapStateEntry } from "../policy/map_state.ts";
import { addressBytes, addressOfBytes } from "../verify/address.ts";
import { toHex } from "../verify/bytes.ts";
import { listAt, numberAt, objectAt, refuse, stringAt } from "../verify/reproducer.ts";
import type { World } from "./world.ts";

/** Writes a world; `undefined` fields are left out. */
export function worldToJson({ node, ghosts, damaged }: World): unknown {
  return {
    endpoints: node.endpoints.map((endpoint) => ({
      ...endpoint,
      ipv4: endpoint.ipv4 && textOf(endpoint.ipv4),
      ipv6: endpoint.ipv6 && textOf(endpoint.ipv6),
      mac: toHex(endpoint.mac),
      nodeMac: toHex(endpoint.nodeMac),
    })),
    identities: node.identities,
    ipcache: node.ipcache.map((entry) => ({ ...entry, address: textOf(entry.address) })),
    policies: node.policies.map(({ mapState: { entries }, ...policy }) => ({ ...policy, entries })),
    redirects: node.redirects ?? [],
    events: node.events ?? ["drop", "policy_verdict", "trace"],
    eventInterval: node.eventInterval ?? 0,
    ghosts: ghosts.map(({ id, address }) => ({ id, address: textOf(address) })),
    damaged,
  };
}

/**
 * Reads what {@linkcode worldToJson} has written.
 *
 * @throws {SyntaxError} If it is not that. Whether a datapath takes the node, it says itself.
 */
export function worldOfJson(json: unknown): World {
  const root = objectAt(json, "state");
  const list = <T>(name: string, read: (item: Fields) => T): T[] =>
    listAt(root[name], name).map((item, i) => read(new Fields(item, `${name}[${i}]`)));
  return {
    node: {
      endpoints: list("endpoints", endpointOf),
      identities: list("identities", (f) => ({
        identity: f.number("identity"),
        slot: f.number("slot"),
      })),
      ipcache: list("ipcache", ipcacheOf),
      policies: list("policies", policyOf),
      redirects: list("redirects", (f) => ({ id: f.number("id"), port: f.number("port") })),
      events: listAt(root["events"], "events").map(eventOf),
      eventInterval: numberAt(root["eventInterval"], "eventInterval"),
    },
    ghosts: list("ghosts", (f) => ({ id: f.number("id"), address: f.address("address") })),
    damaged: list("damaged", (f) => ({ policy: f.number("policy"), table: f.number("table") })),
  };
}

/** Fields of an object, read by type; an error names the path. */
class Fields {
  readonly #object: Readonly<Record<string, unknown>>;
  readonly #path: string;

  constructor(value: unknown, path: string) {
    this.#object = objectAt(value, path);
    this.#path = path;
  }

  has(name: string): boolean {
    return this.#object[name] !== undefined;
  }

  number(name: string): number {
    return numberAt(this.#object[name], this.#pathOf(name));
  }

  list(name: string): Fields[] {
    const path = this.#pathOf(name);
    return listAt(this.#object[name], path).map((item, i) => new Fields(item, `${path}[${i}]`));
  }

  address(name: string): AddressBytes {
    const text = stringAt(this.#object[name], this.#pathOf(name));
    const address = tryParseIpAddress(text);
    return address ? addressBytes(address) : refuse(this.#pathOf(name), text, "an IP address");
  }

  mac(name: string): Uint8Array {
    const text = stringAt(this.#object[name], this.#pathOf(name));
    if (!/^[0-9a-f]{12}$/.test(text)) refuse(this.#pathOf(name), text, "12 hexadecimal digits");
    return Uint8Array.fromHex(text);
  }

  isTrue(name: string): boolean {
    return this.#object[name] === true;
  }

  one<T extends string>(name: string, choices: readonly T[]): T {
    return oneOf(this.#object[name], this.#pathOf(name), choices);
  }

  #pathOf(name: string): string {
    return `${this.#path}.${name}`;
  }
}

function endpointOf(f: Fields): EndpointState {
  return {
    id: f.number("id"),
    ipv4: f.has("ipv4") ? f.address("ipv4") : undefined,
    ipv6: f.has("ipv6") ? f.address("ipv6") : undefined,
    mac: f.mac("mac"),
    nodeMac: f.mac("nodeMac"),
    ifindex: f.number("ifindex"),
    identity: f.number("identity"),
    policy: f.number("policy"),
    audit: f.isTrue("audit"),
    accounting: !f.has("accounting") || f.isTrue("accounting"),
  };
}

function ipcacheOf(f: Fields): IpcacheState {
  const entry = { address: f.address("address"), identity: f.number("identity") };
  return f.has("prefixLength") ? { ...entry, prefixLength: f.number("prefixLength") } : entry;
}

function policyOf(f: Fields): PolicyState {
  const entries = f.list("entries").map(entryOf);
  const policy = {
    number: f.number("number"),
    revision: f.number("revision"),
    mapState: { entries },
  };
  return f.has("mergeMode") ? { ...policy, mergeMode: f.one("mergeMode", MERGE_MODES) } : policy;
}

const MERGE_MODES: readonly MergeMode[] = ["auto", "merged", "compact", "unmerged"];

function entryOf(f: Fields): MapStateEntry {
  const entry = {
    identity: f.number("identity"),
    direction: f.one("direction", ["ingress", "egress"]),
    protocol: f.number("protocol"),
    port: f.number("port"),
    portPrefix: f.number("portPrefix"),
    verdict: f.one("verdict", ["allow", "deny", "redirect"]),
    precedence: f.number("precedence"),
    cookie: f.number("cookie"),
    authType: f.number("authType"),
  };
  return f.has("redirect") ? { ...entry, redirect: f.number("redirect") } : entry;
}

const EVENTS: readonly EventKind[] = ["drop", "policy_verdict", "trace"];

function eventOf(value: unknown, index: number): EventKind {
  return oneOf(value, `events[${index}]`, EVENTS);
}

function oneOf<T extends string>(value: unknown, path: string, choices: readonly T[]): T {
  return choices.find((choice) => choice === value) ?? refuse(path, value, choices.join(", "));
}

function textOf(address: AddressBytes): string {
  return addressOfBytes(address).text;
}
