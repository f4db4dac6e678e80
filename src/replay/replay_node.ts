import type { NodeState } from "../datapath/datapath.ts";
import type { Scenario } from "../verify/scenario.ts";
import type { RulesOfCookie } from "../verify/test_packet.ts";

/** The node through which captures are replayed. */
export interface ReplayNode {
  readonly state: NodeState;
  /** What reports call an endpoint. */
  nameOf(endpoint: number): string;
  readonly rulesOf: RulesOfCookie;
  /**
   * Endpoint that sends what has no end that is an endpoint's; absent: such packets are left
   * out, since no program of the node would see them.
   */
  readonly stranger?: number;
}

/** The node of a cluster: each of its pods runs there. */
export function nodeOfScenario(scenario: Scenario): ReplayNode {
  return {
    state: scenario.node,
    nameOf: (endpoint) => scenario.endpoint(endpoint).party.name,
    rulesOf: (cookie) => scenario.rulesOf(cookie),
  };
}
