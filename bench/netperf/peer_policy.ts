/**
 * One policy, as map state for the programs and as the same lines for a ruleset: who may talk to
 * whom, peer by peer and port by port.
 *
 * @module
 */
import { parseIpAddress } from "../../src/cluster/ip_address.ts";
import type { IdentityState, IpcacheState, PolicyState } from "../../src/datapath/datapath.ts";
import {
  compareEntries,
  type Direction,
  type MapStateEntry,
  PROTOCOL,
} from "../../src/policy/map_state.ts";
import { precedenceOf } from "../../src/policy/precedence.ts";
import { addressBytes } from "../../src/verify/address.ts";

/** Ports of the traffic that is measured; the policy allows them between the two pods. */
export const TEST_PORT = { TCP: 5201, UDP: 5202, FLOWS: 6003 } as const;

/** Addresses of the two pods: the first two peers of every policy. */
export const POD_ADDRESSES = ["10.199.0.1", "10.199.0.2"] as const;

/** A line of the policy: a peer's address, a protocol, a port. */
export interface PeerRule {
  readonly address: string;
  readonly identity: number;
  readonly protocol: "tcp" | "udp";
  readonly port: number;
}

/** Lines of one peer, by protocol; those of the pods allow what is measured. */
const PROTOCOLS = ["tcp", "udp", "udp", "tcp"] as const;
const POD_PORTS = [TEST_PORT.TCP, TEST_PORT.UDP, TEST_PORT.FLOWS, 5204] as const;
const RULES_PER_PEER = PROTOCOLS.length;
/** Peers share so many lists of ports. */
const TEMPLATES = 64;
const FIRST_IDENTITY = 256;
const FIRST_PORT = 6000;

/** What one policy allows, in either direction. */
export class PeerPolicy {
  /** Each allows one port of one peer; both directions have all of them. */
  readonly rules: readonly PeerRule[];

  /** @param entries Lines of both directions: a multiple of 8. */
  constructor(readonly entries: number) {
    const peers = entries / RULES_PER_PEER / 2;
    this.rules = Array.from({ length: peers }, (_, i) => rulesOfPeer(i)).flat();
  }

  /** Identities of the peers, and their slots. */
  get identities(): IdentityState[] {
    return this.#peers.map(({ identity }) => ({ identity, slot: identity }));
  }

  /** Addresses of the peers. */
  get ipcache(): IpcacheState[] {
    return this.#peers.map(({ identity, address }) => ({
      identity,
      address: addressBytes(parseIpAddress(address)),
    }));
  }

  /** The policy as the datapath takes it. */
  policyState(number: number): PolicyState {
    const entries = (["ingress", "egress"] as const).flatMap((direction) =>
      this.rules.map((rule, i) => entryOf(rule, direction, i + 1))
    );
    return { number, revision: 1, mapState: { entries: entries.sort(compareEntries) } };
  }

  get #peers(): PeerRule[] {
    return this.rules.filter((_, i) => i % RULES_PER_PEER === 0);
  }
}

function rulesOfPeer(index: number): PeerRule[] {
  const address = POD_ADDRESSES[index] ?? `10.200.${index >> 8}.${index & 255}`;
  const isPod = index < POD_ADDRESSES.length;
  const base = FIRST_PORT + index % TEMPLATES * RULES_PER_PEER;
  return PROTOCOLS.map((protocol, i) => ({
    address,
    identity: FIRST_IDENTITY + index,
    protocol,
    port: isPod ? POD_PORTS[i] ?? 0 : base + i,
  }));
}

function entryOf(
  { identity, protocol, port }: PeerRule,
  direction: Direction,
  cookie: number,
): MapStateEntry {
  return {
    identity,
    direction,
    protocol: protocol === "tcp" ? PROTOCOL.TCP : PROTOCOL.UDP,
    port,
    portPrefix: 16,
    verdict: "allow",
    precedence: precedenceOf("allow"),
    cookie,
    authType: 0,
  };
}
