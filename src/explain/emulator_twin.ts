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
import type { PeerEntries } from "./policy_index.ts";
import { type PolicyTable, PolicyTables } from "./policy_tables.ts";
import { SideAnswers } from "./side_answers.ts";

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
    // Egress and ingress of each question, in turn; millions of questions want no objects here.
    const peers: (PeerEntries | undefined)[] = [];
    const sides: (SideAnswer | undefined)[] = [];
    for (const question of questions) {
      for (const direction of DIRECTIONS) {
        const { source, destination } = question;
        const subject = direction === "egress" ? source : destination;
        const policy = this.#cluster.policyOf(subject);
        if (policy === undefined) {
          peers.push(undefined);
          continue;
        }
        let table = this.#tables.get(policy);
        if (table === undefined) {
          // What makes room must not be a table that the batch still asks.
          if (this.#tables.full) this.#run(questions, peers, sides);
          table = this.#tables.add(policy);
        }
        peers.push(this.#ask(question, direction, table));
      }
    }
    this.#run(questions, peers, sides);
    let side = 0;
    for (const question of questions) {
      const egress = sides[side++] ?? withoutPolicy(question.source);
      const ingress = sides[side++] ?? withoutPolicy(question.destination);
      answers.push(
        answerWithin(question) ?? bothSides(
          this.#answers.withRequest(question, egress),
          this.#answers.withRequest(question, ingress),
        ),
      );
    }
  }

  #ask(question: Question, direction: Direction, { number, index }: PolicyTable): PeerEntries {
    const { source, destination, protocol, port } = question;
    const egress = direction === "egress";
    const identity = egress
      ? this.#cluster.identityOf(destination, source)
      : this.#cluster.identityOf(source, destination);
    const slot = this.#cluster.slotOf(identity);
    this.#batch.add(number, egress ? DIRECTION_EGRESS : DIRECTION_INGRESS, slot, protocol, port);
    return index.peer(direction, identity);
  }

  /** Answers what was asked since the last run. */
  #run(
    questions: readonly Question[],
    peers: readonly (PeerEntries | undefined)[],
    sides: (SideAnswer | undefined)[],
  ): void {
    this.#batch.run();
    let lookup = 0;
    for (let i = sides.length; i < peers.length; i++) {
      const peer = peers[i];
      const question = questions[i >> 1];
      if (peer === undefined || question === undefined) {
        sides.push(undefined);
        continue;
      }
      const [verdict, cookie] = [this.#batch.verdict(lookup), this.#batch.cookie(lookup++)];
      sides.push(this.#answers.sideOf(peer, question, verdict, cookie));
    }
    this.#batch.clear();
  }
}

const DIRECTIONS = ["egress", "ingress"] as const;
