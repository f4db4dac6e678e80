import type { DatapathMemory } from "../datapath/datapath_memory.ts";
import { DIRECTION_EGRESS, DIRECTION_INGRESS } from "../datapath/layout.ts";
import type { Direction } from "../policy/map_state.ts";
import {
  type Answer,
  answerWithin,
  bothSides,
  type Question,
  type SideAnswer,
  type Twin,
  withoutPolicy,
} from "./answer.ts";
import type { Policy, PolicySnapshot } from "../policy/snapshot.ts";
import type { CompiledCluster } from "./compiled_cluster.ts";
import type { End } from "./end_finder.ts";
import { LookupBatch } from "./lookup_batch.ts";
import { type PolicyTable, PolicyTables } from "./policy_tables.ts";
import { SideAnswers } from "./side_answers.ts";

/** Questions whose lookups run in one call. */
const BATCH = 1024;

/** What an end is to the engine. */
interface ResolvedEnd {
  readonly policy: Policy | undefined;
  /** Absent for what is no pod: who looks at it matters. */
  readonly identity: number | undefined;
  /** Of its identity, where that is known. */
  readonly slot: number | undefined;
  /** Once it has been asked. */
  table: PolicyTable | undefined;
}

/**
 * Answers by the emulator's policy lookup, in the tables that a node would have, and names
 * the rules through the map state from which those tables were built.
 */
export class EmulatorTwin implements Twin {
  readonly kind = "emulator";
  readonly #cluster: CompiledCluster;
  readonly #tables: PolicyTables;
  readonly #batch: LookupBatch;
  readonly #answers: SideAnswers;
  /** Ends as the snapshot has them, and the tables that have not made room since. */
  #known: { readonly snapshot: PolicySnapshot; readonly ends: Map<End, ResolvedEnd> };

  /** @param memory Is this twin's alone while it lives. */
  constructor(cluster: CompiledCluster, memory: DatapathMemory) {
    this.#cluster = cluster;
    this.#answers = new SideAnswers(cluster);
    this.#tables = new PolicyTables(memory, (identity) => cluster.slotOf(identity));
    this.#batch = new LookupBatch(memory, 2 * BATCH);
    this.#known = { snapshot: cluster.snapshot, ends: new Map() };
  }

  answer(questions: readonly Question[]): Promise<readonly Answer[]> {
    const answers: Answer[] = [];
    for (let at = 0; at < questions.length; at += BATCH) {
      this.#answerBatch(questions.slice(at, at + BATCH), answers);
    }
    return Promise.resolve(answers);
  }

  [Symbol.dispose](): void {
    this.#batch[Symbol.dispose]();
    this.#tables[Symbol.dispose]();
  }

  #answerBatch(questions: readonly Question[], answers: Answer[]): void {
    if (this.#known.snapshot !== this.#cluster.snapshot) this.#forget();
    // Egress and ingress of each question, in turn; millions of questions want no objects here.
    const asked: (ResolvedEnd | undefined)[] = [];
    const sides: (SideAnswer | undefined)[] = [];
    for (const question of questions) {
      const source = this.#resolve(question.source);
      const destination = this.#resolve(question.destination);
      // What makes room for a table must not be one that the batch still asks.
      if (this.#tables.full && (this.#lacks(source) || this.#lacks(destination))) {
        this.#run(questions, asked, sides);
        this.#forget();
      }
      asked.push(
        this.#ask(question, "egress", source, destination),
        this.#ask(question, "ingress", destination, source),
      );
    }
    this.#run(questions, asked, sides);
    let side = 0;
    for (const question of questions) {
      const egress = sides[side++] ?? withoutPolicy(question.source);
      const ingress = sides[side++] ?? withoutPolicy(question.destination);
      answers.push(answerWithin(question) ?? this.#both(question, egress, ingress));
    }
  }

  #both(question: Question, egress: SideAnswer, ingress: SideAnswer): Answer {
    if (question.request === undefined) return bothSides(egress, ingress);
    return bothSides(
      this.#answers.withRequest(question, egress),
      this.#answers.withRequest(question, ingress),
    );
  }

  /** Adds the lookup of a side, and returns whom it is about; `undefined` without a policy. */
  #ask(
    question: Question,
    direction: Direction,
    subject: ResolvedEnd,
    other: ResolvedEnd,
  ): ResolvedEnd | undefined {
    if (subject.policy === undefined) return undefined;
    const table = subject.table ??= this.#tables.get(subject.policy) ??
      this.#tables.add(subject.policy);
    const egress = direction === "egress";
    // What is no pod is seen differently from different nodes.
    const slot = other.slot ?? this.#cluster.slotOf(this.#peerOf(question, direction));
    const side = egress ? DIRECTION_EGRESS : DIRECTION_INGRESS;
    this.#batch.add(table.number, side, slot, question.protocol, question.port);
    return subject;
  }

  /** Identity of the other end. */
  #peerOf({ source, destination }: Question, direction: Direction): number {
    return direction === "egress"
      ? this.#cluster.identityOf(destination, source)
      : this.#cluster.identityOf(source, destination);
  }

  /** Finds out once what millions of questions need of an end. */
  #resolve(end: End): ResolvedEnd {
    let known = this.#known.ends.get(end);
    if (known === undefined) {
      const policy = this.#cluster.policyOf(end);
      // Any other end will do: a pod's identity is the same for all.
      const identity = end.pod && this.#cluster.identityOf(end, end);
      const slot = identity === undefined ? undefined : this.#cluster.slotOf(identity);
      this.#known.ends.set(end, known = { policy, identity, slot, table: undefined });
    }
    return known;
  }

  #lacks({ policy, table }: ResolvedEnd): boolean {
    return policy !== undefined && table === undefined && this.#tables.get(policy) === undefined;
  }

  #forget(): void {
    this.#known = { snapshot: this.#cluster.snapshot, ends: new Map() };
  }

  /** Answers what was asked since the last run. */
  #run(
    questions: readonly Question[],
    asked: readonly (ResolvedEnd | undefined)[],
    sides: (SideAnswer | undefined)[],
  ): void {
    this.#batch.run();
    let lookup = 0;
    for (let i = sides.length; i < asked.length; i++) {
      const table = asked[i]?.table;
      const question = questions[i >> 1];
      if (table === undefined || question === undefined) {
        sides.push(undefined);
        continue;
      }
      const direction = i % 2 === 0 ? "egress" : "ingress";
      const verdict = this.#batch.verdict(lookup);
      const cookie = this.#batch.cookie(lookup++);
      const known = table.index.single[direction] && this.#answers.known(verdict, cookie);
      sides.push(known || this.#explain(table, question, direction, verdict, cookie));
    }
    this.#batch.clear();
  }

  #explain(
    { index }: PolicyTable,
    question: Question,
    direction: Direction,
    verdict: number,
    cookie: number,
  ): SideAnswer {
    const other = this.#resolve(direction === "egress" ? question.destination : question.source);
    const identity = other.identity ?? this.#peerOf(question, direction);
    return this.#answers.sideOf(index.peer(direction, identity), question, verdict, cookie);
  }
}
