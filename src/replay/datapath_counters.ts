import type { Datapath } from "../datapath/datapath.ts";
import {
  METRICS_VALUE_BYTES_OFF,
  METRICS_VALUE_PACKETS_OFF,
  METRICS_VALUE_SIZE,
} from "../datapath/layout.ts";
import { directionName, reasonName } from "../verify/reason_name.ts";
import type { Count, Counts } from "./counters.ts";

/** What the metrics of a datapath have counted. */
export interface DatapathCounters {
  readonly datapath: Datapath["kind"];
  /** By reason and direction, `DROP_POLICY ingress`: both ends of a packet count. */
  readonly counts: Counts;
}

/** What metrics have counted between two copies of them; what has not changed is absent. */
export function countedSince(before: Uint8Array | undefined, after: Uint8Array): Counts {
  const counts: Record<string, Count> = {};
  const earlier = before && viewOf(before);
  const later = viewOf(after);
  for (let i = 0; i * METRICS_VALUE_SIZE < after.length; i++) {
    const added = (offset: number) => {
      const at = i * METRICS_VALUE_SIZE + offset;
      return Number(later.getBigUint64(at, true) - (earlier?.getBigUint64(at, true) ?? 0n));
    };
    const [packets, bytes] = [added(METRICS_VALUE_PACKETS_OFF), added(METRICS_VALUE_BYTES_OFF)];
    if (packets > 0) counts[`${reasonName(i >> 1)} ${directionName(i & 1)}`] = { packets, bytes };
  }
  return counts;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
