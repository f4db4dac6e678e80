import type { NodeState } from "../datapath/datapath.ts";
import type { PacketInput } from "../datapath/packet_batch.ts";
import type { RuleOrigin } from "../cluster/rule.ts";
import type { Redirect } from "../policy/redirect.ts";
import type { Flow } from "./flow.ts";
import type { ExpectedEvent } from "./opinion.ts";
import type { Phase } from "./packet_maker.ts";
import type { ExpectedProxy } from "./proxy.ts";

/** What must become of a packet, byte for byte. */
export interface ExpectedOutcome {
  /** `TC_ACT_*`. */
  readonly verdict: number;
  /** `skb->mark`, unsigned; of no meaning where there is a proxy. */
  readonly mark: number;
  /** The mark must send it to a proxy like this. */
  readonly proxy?: ExpectedProxy | undefined;
  readonly data: Uint8Array;
  readonly events: readonly ExpectedEvent[];
  /** No flow of before had a part in it; see `Expectation`. */
  readonly fresh: boolean;
}

/** From what a packet was made. */
export interface PacketOrigin {
  readonly flow: Flow;
  readonly phase: Phase;
  readonly ttl: number;
}

/** A packet to be tried in every datapath. */
export interface TestPacket extends PacketInput {
  /** Unique within a batch, so that events can be told apart by their time. */
  readonly now: bigint;
  readonly mark: number;
  /** Packets of one flow have one number; a reproducer replays them together. */
  readonly flow: number;
  /** The packet by names, for reports. */
  describe(): string;
  /** What it was made from, for reproducers; absent for rows of the packet table. */
  readonly origin?: PacketOrigin | undefined;
  /** The row of the packet table that it belongs to, by description. */
  readonly row?: string | undefined;
  /** What the third opinion says; absent where there is none. */
  readonly expected?: ExpectedOutcome | undefined;
}

/** Resolves the rules behind an event's cookie. */
export type RulesOfCookie = (cookie: number) => readonly RuleOrigin[] | undefined;

/** Resolves the numbers in what datapaths answer. */
export interface Meanings {
  readonly rulesOf: RulesOfCookie;
  /** The redirect whose proxy listens on a port. @default nobody listens */
  redirectAt?(port: number): Redirect | undefined;
  /**
   * What the datapaths have loaded: what they decide is then compared with Cilium's policy maps
   * of the same map state. @default these are not asked
   */
  readonly node?: NodeState | undefined;
}
