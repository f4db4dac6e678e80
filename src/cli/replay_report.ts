import { Counters, type Counts } from "../replay/counters.ts";
import type { ReplayedPacket, TableDifference } from "../replay/replay.ts";
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
  readonly datapaths: readonly { readonly kind: string }[];
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
}

/** What became of one capture. */
class FileReport {
  readonly counters = new Counters();
  readonly different: Different[] = [];
  packets = 0;
  skipped = 0;
  shortened = 0;
  differences = 0;

  constructor(readonly file: string) {}

  add(packet: ReplayedPacket): void {
    const { result, ends, length, shortened, differences } = packet;
    const { reason } = result;
    this.packets++;
    if (result.verdict === "skipped") this.skipped++;
    if (shortened) this.shortened++;
    this.counters.add({
      verdict: result.verdict,
      protocol: ends?.protocol ?? "no frame",
      bytes: length,
      ...(reason === undefined ? {} : { reason }),
    });
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
  #current = new FileReport("");
  #lines: string[] = [];
  #differences = 0;

  constructor(output: OutputFormat, legs: ReplayLegs) {
    this.#output = output;
    this.#legs = legs;
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
    this.#current = new FileReport(file);
  }

  async add(packet: ReplayedPacket): Promise<void> {
    this.#current.add(packet);
    if (this.#output !== "jsonl") return;
    this.#lines.push(JSON.stringify(packetJson(this.#current.file, packet)));
    if (this.#lines.length >= LINES) await this.#flush();
  }

  /** Ends a capture. */
  finish({ tableDifferences: tables, forgotten }: FileOutcome, damage: Error | undefined): void {
    const { file, counters, different, packets, skipped, shortened } = this.#current;
    const differences = this.#current.differences + tables.length;
    this.#differences += differences;
    const document = {
      file,
      packets,
      run: packets - skipped,
      skipped,
      shortened,
      forgotten,
      datapaths: this.#legs.datapaths.map(({ kind }) => kind),
      ...(this.#legs.reason === undefined ? {} : { reason: this.#legs.reason }),
      verdicts: counters.verdicts,
      reasons: counters.reasons,
      protocols: counters.protocols,
      differences,
      details: [...different.map(differentJson), ...tables],
      ...(damage === undefined ? {} : { error: damage.message }),
    };
    if (this.#output === "json") this.#documents.push(document);
    else if (this.#output === "jsonl") this.#lines.push(JSON.stringify(document));
    else printTable(document, different, tables);
  }

  /** Writes what is still to be written. */
  async end(): Promise<void> {
    await this.#flush();
    if (this.#output !== "json") return;
    const document = { differences: this.#differences, files: this.#documents };
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

interface FileSummary {
  readonly file: string;
  readonly packets: number;
  readonly run: number;
  readonly skipped: number;
  readonly shortened: number;
  readonly forgotten: number;
  readonly datapaths: readonly string[];
  readonly verdicts: Counts;
  readonly reasons: Counts;
  readonly protocols: Counts;
  readonly differences: number;
}

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
  console.log(
    [`${file}: ${packets} packets, ${run} run by ${datapaths.join(" and ")}`, ...notes].join(", "),
  );
  const { verdicts: verdict, reasons: reason, protocols: protocol } = summary;
  const rows = Object.entries({ verdict, reason, protocol })
    .flatMap(([kind, counts]) =>
      Object.entries(counts).map(([name, { packets, bytes }], i) => [
        i === 0 ? kind : "",
        name,
        String(packets),
        String(bytes),
      ])
    );
  if (rows.length > 0) console.log(formatTable(["", "", "PACKETS", "BYTES"], rows));
  if (datapaths.length > 1) console.log(`Differences: ${differences}`);
  printDifferences(different, tables);
  const more = differences - tables.length - Math.min(different.length, MOST_DIFFERENCES);
  if (more > 0) console.log(`\n… and ${more} more packets (-o json has ${MOST_DETAILS} of them)`);
  console.log();
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
