/**
 * What a stretch of fuzzing runs on: the state of a node, and what is wrong with it on purpose.
 *
 * @module
 */
import type { AddressBytes, NodeState } from "../datapath/datapath.ts";

/** An address that is routed to an endpoint which has no programs. */
export interface Ghost {
  /** Endpoint id; no endpoint of the node has it. */
  readonly id: number;
  readonly address: AddressBytes;
}

/** A policy whose current table does not exist. */
export interface DamagedPolicy {
  /** Number of a policy of the node. */
  readonly policy: number;
  /** Table that its number leads to: class << 24 | index. */
  readonly table: number;
}

/** A node, as both twins get it. */
export interface World {
  readonly node: NodeState;
  readonly ghosts: readonly Ghost[];
  readonly damaged: readonly DamagedPolicy[];
  /** What the node was compiled from, where it was. */
  readonly manifests?: string;
}
