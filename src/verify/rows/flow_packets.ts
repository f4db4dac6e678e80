import { ROW_ENDPOINT } from "../row_node.ts";
import type { RowOutcome, RowPacket } from "./row.ts";

const { SUBJECT, PEER } = ROW_ENDPOINT;

/** How the peer's packets reach the subject. */
export type By = "endpoint" | "stack";

/** A packet that the subject sends, so many seconds after its row began. */
export function leaving(data: Uint8Array, at: number, becomes: RowOutcome = "deliver"): RowPacket {
  return { endpoint: SUBJECT, hook: "from_container", data, at, becomes };
}

/** One that it is sent. */
export function arriving(by: By, data: Uint8Array, at: number, becomes?: RowOutcome): RowPacket {
  return by === "endpoint"
    ? { endpoint: PEER, hook: "from_container", data, at, becomes: becomes ?? "deliver" }
    : { endpoint: SUBJECT, hook: "to_container", data, at, becomes: becomes ?? "pass" };
}
