import {
  CT_STATE_NAMES,
  DIRECTION_INGRESS,
  DROP_REASON_NAMES,
  PACKET_NOT_RUN,
  PACKET_OK,
  PACKET_REDIRECT,
  PACKET_SHOT,
} from "../datapath/layout.ts";

const ACTIONS: ReadonlyMap<number, string> = new Map([
  [PACKET_NOT_RUN, "not run"],
  [PACKET_OK, "ok"],
  [PACKET_SHOT, "drop"],
  [PACKET_REDIRECT, "redirect"],
]);

/** The name of a drop reason as `bpf/consts.h` writes it, or its number. */
export function reasonName(reason: number): string {
  return DROP_REASON_NAMES.get(reason) ?? String(reason);
}

/** A word for a `TC_ACT_*` verdict, or its number. */
export function actionName(verdict: number): string {
  return ACTIONS.get(verdict) ?? `action ${verdict}`;
}

/** A word for a conntrack state, or its number. */
export function ctStateName(state: number): string {
  return CT_STATE_NAMES.get(state)?.slice("CT_".length).toLowerCase() ?? String(state);
}

/** `ingress` or `egress`. */
export function directionName(direction: number): "ingress" | "egress" {
  return direction === DIRECTION_INGRESS ? "ingress" : "egress";
}
