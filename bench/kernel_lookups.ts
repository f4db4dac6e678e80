import {
  type BpfMap,
  type Collection,
  type CollectionSpec,
  loadCollection,
  parseObject,
} from "ebpf-ts-loader";
import { type BenchOptions, mustAgree } from "./benchmark.ts";
import { type Contender, measureRace } from "./measure.ts";
import { QUERY_WORDS } from "./queries.ts";
import { type BenchResult, benchResult } from "./result.ts";

const OBJECT = new URL("../bpf/obj/bench.bpf.o", import.meta.url);
/** As in bpf/bench.bpf.c; {@linkcode KernelLookups.race} notices if it is not. */
const QUERIES_PER_RUN = 256;
/** The smallest packet that BPF_PROG_TEST_RUN takes; no program looks at it. */
const PACKET = new Uint8Array(64);
const UNANSWERED = 0xFFFF_FFFF_FFFF_FFFFn;

/** The loop without a lookup; its time is taken off the others'. */
const EMPTY = "bench_empty";

/** Two programs that answer the same queries. */
export interface KernelRace extends BenchOptions {
  readonly subject: string;
  readonly baseline: string;
  readonly baselineName: string;
}

/** The programs of bpf/bench.bpf.c in the kernel, their queries and their answers. */
export class KernelLookups implements Disposable {
  readonly spec: CollectionSpec;
  readonly #collection: Collection;

  /** Loads some programs, and the maps they use. */
  private constructor(spec: CollectionSpec, programs: readonly string[]) {
    this.spec = spec;
    this.#collection = loadCollection(spec, { only: [EMPTY, ...programs] });
  }

  static async load(programs: readonly string[]): Promise<KernelLookups> {
    return new KernelLookups(parseObject(await Deno.readFile(OBJECT), "bench.bpf.o"), programs);
  }

  /** A map of the object. */
  map(name: string): BpfMap {
    return this.#collection.map(name);
  }

  /** Queries that all programs answer, round and round. */
  get queryCount(): number {
    return this.#collection.map("queries").maxEntries;
  }

  /** Sets the queries: `queryCount` × `struct bench_query`. */
  ask(queries: Uint32Array): void {
    using mapped = this.map("queries").mmap();
    new Uint32Array(mapped.buffer).set(queries.subarray(0, this.queryCount * QUERY_WORDS));
  }

  /**
   * Checks that subject and baseline answer alike, then measures them without the loop.
   *
   * @throws {DisagreementError} If one query is answered differently.
   */
  race(name: string, options: KernelRace): BenchResult {
    const { subject, baseline, baselineName, rounds, progress } = options;
    progress.show(`${name}: comparing answers`);
    mustAgree(name, this.#answers(subject), this.#answers(baseline));
    progress.show(`${name}: measuring`);
    const times = measureRace({
      overhead: this.#contender(EMPTY),
      subject: this.#contender(subject),
      baseline: this.#contender(baseline),
    }, rounds);
    return benchResult(name, times.subject, { name: baselineName, value: times.baseline });
  }

  /** All answers of a program; throws if a query was not answered. */
  #answers(program: string): BigUint64Array<ArrayBuffer> {
    using mapped = this.map("answers").mmap();
    const answers = new BigUint64Array(mapped.buffer, 0, this.queryCount).fill(UNANSWERED);
    this.#runAll(program);
    const missing = answers.indexOf(UNANSWERED);
    if (missing < 0) return answers.slice();
    throw new Error(`Cannot run "${program}": query ${missing} not answered, expected an answer`);
  }

  /** A pass is one run through all queries; its time is that of one query. */
  #contender(program: string): Contender {
    return { pass: () => this.#runAll(program) / QUERIES_PER_RUN };
  }

  /** Nanoseconds of one run of the program, which answers `QUERIES_PER_RUN` queries. */
  #runAll(program: string): number {
    const repeat = this.queryCount / QUERIES_PER_RUN;
    return this.#collection.program(program).testRun({ data: PACKET, repeat }).duration;
  }

  [Symbol.dispose](): void {
    this.#collection[Symbol.dispose]();
  }
}
