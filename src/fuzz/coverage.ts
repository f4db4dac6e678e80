/**
 * What a run has reached, by name: without it "no mismatch" would mean nothing.
 *
 * @module
 */
import {
  CT_STATE_NAMES,
  DROP_REASON_NAMES,
  METRICS_VALUE_PACKETS_OFF,
  METRICS_VALUE_SIZE,
} from "../datapath/layout.ts";

const PROTOCOLS = ["tcp", "udp", "sctp", "icmp", "icmpv6", "other"] as const;
const FAMILIES = ["ipv4", "ipv6"] as const;
const VERDICTS = ["ok", "drop", "redirect", "not run"] as const;
const HOOKS = ["from_container", "to_container"] as const;
const ENTRY_VERDICTS = ["none", "allow", "deny", "redirect"] as const;
const MATCHES = ["none", "l3", "l3/l4", "l4", "all", "l3/proto", "proto", "-"] as const;
const FRAGMENTS = ["whole", "first", "later"] as const;
const DIRECTIONS = ["ingress", "egress"] as const;
const MADE = [
  "opening packet",
  "packet of a flow",
  "answer",
  "end of a flow",
  "ICMP error",
  "first fragment",
  "later fragment",
  "ARP or neighbour discovery",
  "garbage",
  "packet to no endpoint",
  "packet of the corpus",
  "-",
  "cut off",
  "bytes behind",
  "changed byte",
  "changed bit",
  "version or header length",
  "length that lies",
  "other protocol",
  "fragment field",
  "last hop",
  "spoofed source",
  "other port",
  "ethertype or VLAN",
] as const;
const STATES = [0, 1, 2, 3, 4].map((state) =>
  (CT_STATE_NAMES.get(state) ?? String(state)).slice("CT_".length).toLowerCase()
);
const FLAGS = ["", "answered", "closing", "closing, answered", "reply closing"].concat(
  "reply closing, answered",
  "closed",
  "closed, answered",
);
const EVENT_TYPES: ReadonlyMap<number, string> = new Map([
  [1, "drop"],
  [4, "trace"],
  [9, "policy verdict"],
]);

/** What stands behind the Ethernet header, and verdicts that packets of that kind can get. */
const SHAPES: Readonly<Record<string, readonly string[]>> = {
  "ipv4": ["ok", "drop", "redirect"],
  "ipv4 options": ["ok", "drop", "redirect"],
  "ipv6": ["ok", "drop", "redirect"],
  "ipv6 hop-by-hop": ["ok", "drop", "redirect"],
  "ipv6 routing": ["ok", "drop", "redirect"],
  "ipv6 fragment": ["ok", "drop", "redirect"],
  "ipv6 authentication": ["ok", "drop", "redirect"],
  "ipv6 destination options": ["ok", "drop", "redirect"],
  "arp": ["ok"],
  "802.1q": ["drop"],
  "802.1ad": ["drop"],
  "other ethertype": ["drop"],
  "path mtu": ["ok", "redirect"],
  "neighbour discovery": ["ok"],
};

/** A group of counters of asm/fuzz_coverage.ts: every combination of its lists, in order. */
interface Group {
  readonly title: string;
  readonly lists: readonly (readonly string[])[];
  /** Combinations that cannot be, or that nothing asks for. */
  readonly ignores?: (names: readonly string[]) => boolean;
}

const otherFamily = (protocol: string, family: string) =>
  protocol === "icmp" && family === "ipv6" || protocol === "icmpv6" && family === "ipv4";

const GROUPS: readonly Group[] = [
  {
    title: "outcome",
    lists: [HOOKS, VERDICTS],
    ignores: ([h, v]) => h === "to_container" && v === "redirect",
  },
  {
    title: "conntrack",
    lists: [[...STATES, "none"], PROTOCOLS, FAMILIES],
    ignores: ([state = "", protocol = "", family = ""]) =>
      state === "none" || otherFamily(protocol, family) ||
      (state === "related" || state === "untracked") && !protocol.startsWith("icmp"),
  },
  {
    title: "entry",
    lists: [ENTRY_VERDICTS, MATCHES],
    ignores: ([verdict, match]) => (verdict === "none") !== (match === "none") || match === "-",
  },
  { title: "fragment", lists: [FAMILIES, FRAGMENTS] },
  { title: "mark", lists: [marks()], ignores: ([mark = ""]) => mark === "-" },
  {
    title: "made",
    lists: [MADE, VERDICTS],
    // What a packet was made as says little of its verdict: any will do.
    ignores: () => true,
  },
  {
    title: "quoted",
    lists: [PROTOCOLS, FAMILIES, ["unrelated", "related"]],
    ignores: ([protocol = "", family = ""]) => otherFamily(protocol, family),
  },
  {
    title: "prefix",
    lists: [numbers(25)],
    ignores: ([bits]) => Number(bits) > 0 && Number(bits) < 8,
  },
  {
    title: "flow",
    lists: [FLAGS, ["tcp", "other"]],
    // Whoever closes in reply has replied.
    ignores: ([flags = "", protocol]) =>
      flags === "reply closing" || protocol === "other" && flags !== "" && flags !== "answered",
  },
  {
    title: "event",
    lists: [numbers(16).map((type) => EVENT_TYPES.get(Number(type)) ?? "-"), DIRECTIONS],
    ignores: ([type]) => type === "-",
  },
  {
    title: "header",
    lists: [Object.keys(SHAPES), VERDICTS],
    ignores: ([shape = "", verdict = ""]) => !SHAPES[shape]?.includes(verdict),
  },
];

/** Reasons that no packet can meet here, and why. */
const UNREACHABLE: ReadonlyMap<string, string> = new Map([
  ["DROP_WRITE_ERROR", "the packet's headers are always in its linear part here"],
  ["DROP_CT_CREATE_FAILED", "an LRU table evicts before it refuses"],
  ["DROP_FRAG_NOSUPPORT", "an LRU table evicts before it refuses"],
]);

/** One thing that packets may reach. */
export interface Covered {
  /** `reason`, or a group of the counters. */
  readonly group: string;
  readonly name: string;
  readonly packets: number;
}

/** A thing that no packet can reach here. */
export interface OutOfReach {
  readonly name: string;
  readonly why: string;
}

/** What a run has reached, and what it has not. */
export interface CoverageReport {
  readonly reached: readonly Covered[];
  /** Could be reached, and was not. */
  readonly missed: readonly string[];
  readonly outOfReach: readonly OutOfReach[];
}

/** What has been counted, as plain data. */
export interface CoverageCounts {
  /** The module's counters. */
  readonly counters: readonly number[];
  /** Packets by reason. */
  readonly reasons: readonly (readonly [reason: number, packets: number])[];
  /** Flows that garbage collection took away, by what they last were. */
  readonly collected: Readonly<Record<string, number>>;
}

/** Adds up what the stretches of a run, or several runs, have reached. */
export class Coverage {
  readonly #counters: number[] = [];
  readonly #reasons = new Map<number, number>();
  readonly #collected: Record<string, number> = { unanswered: 0, closed: 0, idle: 0 };

  /** Adds what was counted elsewhere. */
  add({ counters, reasons, collected }: CoverageCounts): void {
    this.addCounters(counters);
    for (const [reason, packets] of reasons) this.#addReason(reason, packets);
    this.addCollected(collected);
  }

  /** Adds the module's counters. */
  addCounters(counters: ArrayLike<number>): void {
    for (let i = 0; i < counters.length; i++) {
      this.#counters[i] = (this.#counters[i] ?? 0) + (counters[i] ?? 0);
    }
  }

  /** Adds metrics: packets by reason. */
  addMetrics(metrics: Uint8Array): void {
    const view = new DataView(metrics.buffer, metrics.byteOffset, metrics.byteLength);
    for (let i = 0; i * METRICS_VALUE_SIZE < metrics.length; i++) {
      const at = i * METRICS_VALUE_SIZE + METRICS_VALUE_PACKETS_OFF;
      this.#addReason(i >> 1, Number(view.getBigUint64(at, true)));
    }
  }

  #addReason(reason: number, packets: number): void {
    if (packets > 0) this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + packets);
  }

  /** Adds flows that garbage collection took away. */
  addCollected(counts: Readonly<Record<string, number>>): void {
    for (const [name, count] of Object.entries(counts)) {
      this.#collected[name] = (this.#collected[name] ?? 0) + count;
    }
  }

  /** A copy of what has been counted. */
  counts(): CoverageCounts {
    return {
      counters: [...this.#counters],
      reasons: [...this.#reasons],
      collected: { ...this.#collected },
    };
  }

  /** Names what has been counted, and what has not. */
  report(): CoverageReport {
    const reached: Covered[] = [];
    const missed: string[] = [];
    const note = (group: string, name: string, packets: number, wanted: boolean) => {
      if (packets > 0) reached.push({ group, name, packets });
      else if (wanted) missed.push(`${group}: ${name}`);
    };
    const outOfReach: OutOfReach[] = [];
    for (const [reason, name] of DROP_REASON_NAMES) {
      const packets = this.#reasons.get(reason) ?? 0;
      const why = UNREACHABLE.get(name);
      if (packets === 0 && why !== undefined) outOfReach.push({ name, why });
      else note("reason", name, packets, true);
    }
    for (const { index, group, name, ignored } of cells()) {
      note(group, name, this.#counters[index] ?? 0, !ignored);
    }
    for (const [name, flows] of Object.entries(this.#collected)) {
      note("collected", name, flows, true);
    }
    return { reached, missed, outOfReach };
  }
}

interface Cell {
  readonly index: number;
  readonly group: string;
  readonly name: string;
  readonly ignored: boolean;
}

/** How many counters the module must have. */
export function counterCount(): number {
  return GROUPS.reduce((sum, { lists }) => sum + lists.reduce((n, l) => n * l.length, 1), 0);
}

function* cells(): Generator<Cell> {
  let index = 0;
  for (const { title, lists, ignores } of GROUPS) {
    for (const names of combinations(lists)) {
      const ignored = ignores?.(names) ?? false;
      yield { index, group: title, name: names.join(" ").trim() || "open", ignored };
      index++;
    }
  }
}

function combinations(lists: readonly (readonly string[])[]): string[][] {
  const [first, ...others] = lists;
  if (first === undefined) return [[]];
  const rest = combinations(others);
  return first.flatMap((name) => rest.map((names) => [name, ...names]));
}

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, i) => String(i));
}

/** Bits 8 to 11 of a mark, by who sets them. */
function marks(): string[] {
  const names = new Map([
    [0x0, "none"],
    [0x2, "to proxy"],
    [0x7, "enforced"],
    [0xc, "host"],
    [0xf, "identity"],
  ]);
  return Array.from({ length: 16 }, (_, i) => names.get(i) ?? "-");
}
