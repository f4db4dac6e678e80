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
import type { CompiledCluster } from "./compiled_cluster.ts";
import { LookupBatch } from "./lookup_batch.ts";
import { PolicyTables } from "./policy_tables.ts";
import { type Asked, SideAnswers } from "./side_answers.ts";

/** Questions whose lookups run in one call. */
const BATCH = 1024;

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

  /** @param memory Is this twin's alone while it lives. */
  constructor(cluster: CompiledCluster, memory: DatapathMemory) {
    this.#cluster = cluster;
    this.#answers = new SideAnswers(cluster);
    this.#tables = new PolicyTables(memory, (identity) => cluster.slotOf(identity));
    this.#batch = new LookupBatch(memory, 2 * BATCH);
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
    const asked: (Asked | undefined)[] = [];
    const sides: (SideAnswer | undefined)[] = [];
    for (const question of questions) {
      asked.push(this.#ask(question, "egress", asked, sides));
      asked.push(this.#ask(question, "ingress", asked, sides));
    }
    this.#run(asked, sides);
    let side = 0;
    for (const question of questions) {
      const { source, destination } = question;
      const egress = this.#answers.withRequest(question, sides[side++] ?? withoutPolicy(source));
      const ingress = this.#answers.withRequest(
        question,
        sides[side++] ?? withoutPolicy(destination),
      );
      answers.push(answerWithin(question) ?? bothSides(egress, ingress));
    }
  }

  #ask(
    { source, destination, protocol, port }: Question,
    direction: Direction,
    asked: readonly (Asked | undefined)[],
    sides: (SideAnswer | undefined)[],
  ): Asked | undefined {
    const subject = direction === "egress" ? source : destination;
    const other = direction === "egress" ? destination : source;
    const policy = this.#cluster.policyOf(subject);
    if (policy === undefined) return undefined;
    let table = this.#tables.get(policy);
    if (table === undefined) {
      // What makes room must not be a table that the batch still asks.
      if (this.#tables.full) this.#run(asked, sides);
      table = this.#tables.add(policy);
    }
    const identity = this.#cluster.identityOf(other, subject);
    this.#batch.add(
      table.number,
      direction === "egress" ? DIRECTION_EGRESS : DIRECTION_INGRESS,
      this.#cluster.slotOf(identity),
      protocol,
      port,
    );
    const peer = table.index.peer(direction, identity);
    return { peer, subject: policy.subject.id, protocol, port };
  }

  /** Answers what was asked since the last run. */
  #run(asked: readonly (Asked | undefined)[], sides: (SideAnswer | undefined)[]): void {
    this.#batch.run();
    let lookup = 0;
    for (let i = sides.length; i < asked.length; i++) {
      const one = asked[i];
      if (one === undefined) sides.push(undefined);
      else {
        const [verdict, cookie] = [this.#batch.verdict(lookup), this.#batch.cookie(lookup++)];
        sides.push(this.#answers.sideOf(one, verdict, cookie));
      }
    }
    this.#batch.clear();
  }
}
