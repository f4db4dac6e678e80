import type { Datapath } from "../datapath/datapath.ts";
import { Counters, type Counts } from "../replay/counters.ts";
import type { DatapathCounters } from "../replay/datapath_counters.ts";
import type { ReplayedPacket, TableDifference } from "../replay/replay.ts";
import type { Asked } from "../verify/compare.ts";
import type { OutputFormat } from "./cluster_flags.ts";
import { formatTable } from "./table.ts";
import { writeText } from "./write_text.ts";

/** Differences that a table shows with all their lines. */
const MOST_DIFFERENCES = 5;
/** Differences of one capture that -o json has; the others are counted. One cause makes many. */
const MOST_DETAILS = 1000;
/** Lines of -o jsonl that are written together. */
const LINES = 1024;

/** Who ran the packets. */
export interface ReplayLegs {
  readonly datapaths: readonly Pick<Datapath, "kind">[];
  /** Why the kernel was left out; `undefined` if it ran or was not asked for. */
  readonly reason: string | undefined;
}

/** A packet that the datapaths treated differently. */
type Different = Pick<ReplayedPacket, "number" | "differences" | "answers">;

/** What a replay knows at the end of a capture. */
export interface FileOutcome {
  readonly tableDifferences: readonly TableDifference[];
  /** See `Replay.forgotten`. */
  readonly forgotten: number;
  /** Of each datapath. */
  readonly counters: readonly DatapathCounters[];
}

/** What became of one capture. */
class FileReport {
  /** Of each datapath. */
  readonly counters: readonly Counters[];
  readonly different: Different[] = [];
  packets = 0;
  skipped = 0;
  shortened = 0;
  differences = 0;

  constructor(readonly file: string, datapaths: number) {
    this.counters = Array.from({ length: datapaths }, () => new Counters());
  }

  add(packet: ReplayedPacket): void {
    const { result, results, ends, length, shortened, differences } = packet;
    this.packets++;
    if (result.verdict === "skipped") this.skipped++;
    if (shortened) this.shortened++;
    for (const [i, { verdict, reason }] of results.entries()) {
      this.counters[i]?.add({
        verdict,
        protocol: ends?.protocol ?? "no frame",
        bytes: length,
        ...(reason === undefined ? {} : { reason }),
      });
    }
    if (differences.length === 0) return;
    this.differences++;
    if (this.different.length < MOST_DETAILS) this.different.push(packet);
  }
}

/** Prints what a replay finds, as it finds it. */
export class ReplayReport {
  readonly #output: OutputFormat;
  readonly #legs: ReplayLegs;
  readonly #documents: unknown[] = [];
  #current: FileReport;
  #lines: string[] = [];
  #differences = 0;

  constructor(output: OutputFormat, legs: ReplayLegs) {
    this.#output = output;
    this.#legs = legs;
    this.#current = new FileReport("", legs.datapaths.length);
    if (output === "table" && legs.reason !== undefined) {
      console.log(`The kernel is left out: ${legs.reason}\n`);
    }
  }

  /** Packets, and tables after packets, about which the datapaths differed. */
  get differences(): number {
    return this.#differences;
  }

  /** Begins a capture. */
  async start(file: string): Promise<void> {
    await this.#flush();
    this.#current = new FileReport(file, this.#legs.datapaths.length);
  }

  async add(packet: ReplayedPacket): Promise<void> {
    this.#current.add(packet);
    if (this.#output !== "jsonl") return;
    this.#lines.push(JSON.stringify(packetJson(this.#current.file, packet)));
    if (this.#lines.length >= LINES) await this.#flush();
  }

  /** Ends a capture. */
  finish(outcome: FileOutcome, damage: Error | undefined): void {
    const { tableDifferences: tables, forgotten } = outcome;
    const { file, different, packets, skipped, shortened } = this.#current;
    const differences = this.#current.differences + tables.length;
    this.#differences += differences;
    const byDatapath = this.#byDatapath(outcome);
    const [first] = this.#current.counters;
    const document = {
      file,
      packets,
      run: packets - skipped,
      skipped,
      shortened,
      forgotten,
      datapaths: Object.keys(byDatapath),
      ...(this.#legs.reason === undefined ? {} : { reason: this.#legs.reason }),
      verdicts: first?.verdicts ?? {},
      reasons: first?.reasons ?? {},
      protocols: first?.protocols ?? {},
      byDatapath,
      differences,
      details: [...different.map(differentJson), ...tables],
      ...(damage === undefined ? {} : { error: damage.message }),
    };
    if (this.#output === "json") this.#documents.push(document);
    else if (this.#output === "jsonl") this.#lines.push(JSON.stringify(document));
    else printTable(document, different, tables);
  }

  #byDatapath({ counters }: FileOutcome): Readonly<Record<string, DatapathSummary>> {
    return Object.fromEntries(this.#legs.datapaths.map(({ kind }, i) => {
      const { verdicts = {}, reasons = {} } = this.#current.counters[i] ?? {};
      return [kind, { verdicts, reasons, counters: counters[i]?.counts ?? {} }];
    }));
  }

  /**
   * Writes what is still to be written.
   *
   * @param asked How often each opinion was asked about all captures.
   */
  async end(asked: Asked): Promise<void> {
    await this.#flush();
    const decisions = asked["lpm-map"] ?? 0;
    if (this.#output === "table" && decisions > 0) {
      console.log(`LPM map: ${decisions} decisions looked up in Cilium's policy maps`);
    }
    if (this.#output !== "json") return;
    const document = { differences: this.#differences, opinions: asked, files: this.#documents };
    await writeText(`${JSON.stringify(document, null, 2)}\n`);
  }

  async #flush(): Promise<void> {
    const lines = this.#lines;
    this.#lines = [];
    if (lines.length > 0) await writeText(`${lines.join("\n")}\n`);
  }
}

function packetJson(file: string, packet: ReplayedPacket) {
  const { number, time, length, shortened, ends, entered, result, differences, answers } = packet;
  return {
    file,
    packet: number,
    ...(time === undefined ? {} : { time: secondsText(time) }),
    length,
    ...(shortened ? { shortened } : {}),
    ...entered,
    ...(ends === undefined ? {} : {
      protocol: ends.protocol,
      source: ends.source,
      destination: ends.destination,
      sport: ends.sport,
      dport: ends.dport,
    }),
    ...result,
    ...(differences.length === 0 ? {} : { differences, answers }),
  };
}

/** Seconds since 1970, to the nanosecond: a number would round them. */
function secondsText(time: bigint): string {
  const SECOND = 1_000_000_000n;
  const [whole, rest] = time < 0n
    ? [-(-time / SECOND), -time % SECOND]
    : [time / SECOND, time % SECOND];
  return `${time < 0n && whole === 0n ? "-" : ""}${whole}.${String(rest).padStart(9, "0")}`;
}

function differentJson({ number, differences, answers }: Different) {
  return { packet: number, differences, answers };
}

/** What a datapath did with a capture. */
interface DatapathSummary {
  readonly verdicts: Counts;
  readonly reasons: Counts;
  /** Its metrics. */
  readonly counters: Counts;
}

interface FileSummary {
  readonly file: string;
  readonly packets: number;
  readonly run: number;
  readonly skipped: number;
  readonly shortened: number;
  readonly forgotten: number;
  readonly datapaths: readonly string[];
  readonly protocols: Counts;
  readonly byDatapath: Readonly<Record<string, DatapathSummary>>;
  readonly differences: number;
}

/** What people call a datapath. */
const TITLES: Readonly<Record<string, string>> = { lpm: "LPM twin" };

function printTable(
  summary: FileSummary,
  different: readonly Different[],
  tables: readonly TableDifference[],
): void {
  const { file, packets, run, skipped, shortened, forgotten, datapaths, differences } = summary;
  const notes = [
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
    ...(shortened > 0 ? [`${shortened} shortened to their headers`] : []),
    ...(forgotten > 0 ? [`all flows forgotten ${forgotten} times, for want of room`] : []),
  ];
  const titles = datapaths.map((kind) => TITLES[kind] ?? kind);
  console.log([`${file}: ${packets} packets, ${run} run by ${named(titles)}`, ...notes].join(", "));
  const sides = Object.values(summary.byDatapath);
  const rows = [
    ...rowsOf("verdict", sides.map(({ verdicts }) => verdicts)),
    ...rowsOf("reason", sides.map(({ reasons }) => reasons)),
    ...rowsOf("protocol", sides.map(() => summary.protocols)),
    ...rowsOf("counter", sides.map(({ counters }) => counters)),
  ];
  const head = titles.map((title) => title.toUpperCase());
  if (rows.length > 0) console.log(formatTable(["", "PACKETS", ...head, "BYTES"], rows));
  console.log(`Differences: ${differences}`);
  printDifferences(different, tables);
  const more = differences - tables.length - Math.min(different.length, MOST_DIFFERENCES);
  if (more > 0) console.log(`\n… and ${more} more packets (-o json has ${MOST_DETAILS} of them)`);
  console.log();
}

function named(titles: readonly string[]): string {
  return titles.length < 3
    ? titles.join(" and ")
    : `${titles.slice(0, -1).join(", ")} and ${titles.at(-1)}`;
}

/** Counts side by side; the bytes are those of the first datapath that has any. */
function rowsOf(kind: string, sides: readonly Counts[]): string[][] {
  const names = [...new Set(sides.flatMap((counts) => Object.keys(counts)))];
  return names.map((name, i) => [
    i === 0 ? kind : "",
    name,
    ...sides.map((counts) => String(counts[name]?.packets ?? 0)),
    String(sides.find((counts) => name in counts)?.[name]?.bytes ?? 0),
  ]);
}

function printDifferences(
  different: readonly Different[],
  tables: readonly TableDifference[],
): void {
  for (const { number, differences, answers } of different.slice(0, MOST_DIFFERENCES)) {
    console.log(`\nPacket ${number}`);
    for (const [who, answer] of Object.entries(answers)) console.log(`  ${who}: ${answer}`);
    for (const difference of differences) console.log(`  ${difference}`);
  }
  for (const { first, last, differences } of tables) {
    console.log(`\nTables after packets ${first} to ${last}`);
    for (const difference of differences) console.log(`  ${difference}`);
  }
}
