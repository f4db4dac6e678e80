import type { IpAddress } from "../cluster/ip_address.ts";
import type { RuleOrigin } from "../cluster/rule.ts";
import type { Identity } from "../identity/identity.ts";
import type { IpcacheEntry } from "../identity/ipcache.ts";
import type { ResolvedPolicy } from "./resolve.ts";

/** An identity and its place in policy images. */
export interface SlottedIdentity extends Identity {
  /** `undefined` when no slot was left: the datapath falls back by the identity's scope. */
  readonly slot: number | undefined;
}

/** A line of the IP cache with the slot of its identity. */
export interface SlottedAddress extends IpcacheEntry {
  readonly slot: number | undefined;
}

/** A pod's place in the network. */
export interface Endpoint {
  /** From 1; stays while the pod does, reused later. */
  readonly id: number;
  readonly namespace: string;
  readonly name: string;
  readonly addresses: readonly IpAddress[];
  /** Number of its identity. */
  readonly identity: number;
  /** Number of its policy. */
  readonly policy: number;
}

/**
 * A policy as a datapath enforces it. Endpoints share one when their subject identity is
 * equal; resolved named ports, kind and enforcement mode will join that key when there
 * is more than one of them.
 */
export interface Policy extends ResolvedPolicy {
  /** From 1; stays while an endpoint uses it, reused later. */
  readonly number: number;
  /** From 1; counts changes of this policy's content. */
  readonly revision: number;
  readonly subject: Identity;
}

/** Everything a datapath needs, at one point in time. Immutable. */
export interface PolicySnapshot {
  /** Counts snapshots. */
  readonly revision: number;
  /** Reserved identities first, then by number. */
  readonly identities: readonly SlottedIdentity[];
  readonly ipcache: readonly SlottedAddress[];
  readonly endpoints: readonly Endpoint[];
  readonly policies: readonly Policy[];
  /** State that contradicts itself, such as two pods with one address. Nothing is left out for it. */
  readonly problems: readonly Error[];
  /** Rules behind a cookie; `undefined` for one that is unknown or too old. */
  rulesOf(cookie: number): readonly RuleOrigin[] | undefined;
}
