import { lastPortOf, PROTOCOL } from "../policy/map_state.ts";
import type { Policy } from "../policy/snapshot.ts";
import type { Verdict } from "./answer.ts";
import { formatProtocol } from "./port_text.ts";

/** Ports (or ICMP types) of one protocol that are treated alike. */
export interface PortRange {
  /** IP protocol number; {@linkcode OTHER_PROTOCOLS} for all that policies cannot name. */
  readonly protocol: number;
  readonly first: number;
  /** Inclusive. */
  readonly last: number;
}

/** A range and what becomes of flows to it. */
export interface RangeVerdict extends PortRange {
  readonly verdict: Verdict;
}

/** A protocol that no policy can name stands for all of them ("use for experimentation"). */
export const OTHER_PROTOCOLS = 253;

const LAST: ReadonlyMap<number, number> = new Map([
  [PROTOCOL.TCP, 65535],
  [PROTOCOL.UDP, 65535],
  [PROTOCOL.SCTP, 65535],
  [PROTOCOL.ICMP, 255],
  [PROTOCOL.ICMPV6, 255],
  [OTHER_PROTOCOLS, 0],
]);
/** Port 0 cannot be asked for. */
const FIRST: ReadonlyMap<number, number> = new Map([
  [PROTOCOL.TCP, 1],
  [PROTOCOL.UDP, 1],
  [PROTOCOL.SCTP, 1],
]);

/**
 * Cuts the ports of every protocol where one of the policies may begin to treat them
 * differently: each range is answered by its first port.
 */
export function portRanges(policies: Iterable<Policy | undefined>): PortRange[] {
  const starts = new Map([...LAST.keys()].map((protocol) => [
    protocol,
    new Set([FIRST.get(protocol) ?? 0]),
  ]));
  for (const policy of new Set(policies)) {
    for (const entry of policy?.mapState.entries ?? []) {
      const cuts = starts.get(entry.protocol);
      const end = lastPortOf(entry) + 1;
      if (cuts === undefined) continue;
      if (entry.port > 0) cuts.add(entry.port);
      if (end <= (LAST.get(entry.protocol) ?? 0)) cuts.add(end);
    }
  }
  const ranges: PortRange[] = [];
  for (const [protocol, cuts] of starts) {
    const sorted = [...cuts].sort((a, b) => a - b);
    for (const [i, first] of sorted.entries()) {
      const next = sorted[i + 1];
      ranges.push({ protocol, first, last: next === undefined ? LAST.get(protocol)! : next - 1 });
    }
  }
  return ranges;
}

/** Joins neighbours with one verdict. */
export function joinRanges(ranges: readonly RangeVerdict[]): RangeVerdict[] {
  const joined: RangeVerdict[] = [];
  for (const range of ranges) {
    const before = joined.at(-1);
    const next = before !== undefined && before.protocol === range.protocol &&
      before.verdict === range.verdict && before.last + 1 === range.first;
    if (next) joined[joined.length - 1] = { ...before, last: range.last };
    else joined.push(range);
  }
  return joined;
}

/** Returns `all`, `none`, or the open ranges as in `80/TCP`, `8000-8080/UDP`, `ICMP`. */
export function openText(ranges: readonly RangeVerdict[]): string {
  const open = ranges.filter(({ verdict }) => verdict !== "denied");
  if (open.length === 0) return "none";
  if (open.length === ranges.length) {
    return ranges.every(({ verdict }) => verdict === "allowed")
      ? "all"
      : open.map(rangeText).join(" ");
  }
  return open.map(rangeText).join(" ");
}

/** Returns `80/TCP`, `8000-8080/UDP`, `TCP` for all its ports, or `other`. */
export function rangeText({ protocol, first, last }: PortRange): string {
  if (protocol === OTHER_PROTOCOLS) return "other";
  const name = formatProtocol(protocol);
  if (first <= (FIRST.get(protocol) ?? 0) && last === LAST.get(protocol)) return name;
  return first === last ? `${first}/${name}` : `${first}-${last}/${name}`;
}
