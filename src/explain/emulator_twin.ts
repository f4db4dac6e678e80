import type { DatapathMemory } from "../datapath/datapath_memory.ts";
import {
  DIRECTION_EGRESS,
  DIRECTION_INGRESS,
  VERDICT_ALLOW,
  VERDICT_DENY,
  VERDICT_NONE,
  VERDICT_REDIRECT,
} from "../datapath/layout.ts";
import type { Direction, MapStateEntry } from "../policy/map_state.ts";
import {
  type Answer,
  answerWithin,
  bothSides,
  oneSide,
  outside,
  type Question,
  type SideAnswer,
  type Twin,
} from "./answer.ts";
import { letsThrough } from "../spec/l7.ts";
import type { CompiledCluster } from "./compiled_cluster.ts";
import { LookupBatch } from "./lookup_batch.ts";
import { collectDeciding, type PeerEntries } from "./policy_index.ts";
import { PolicyTables } from "./policy_tables.ts";

/** Questions whose lookups run in one call. */
const BATCH = 1024;

/** One side of a question that a policy has a say in. */
interface Asked {
  readonly peer: PeerEntries;
  readonly subject: number;
  readonly protocol: number;
  readonly port: number;
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
  readonly #sides = new Map<number | string, SideAnswer>();
  /** Redirects of the sides that have one. */
  readonly #redirects = new Map<SideAnswer, number>();
  readonly #entries: MapStateEntry[] = [];

  /** @param memory Is this twin's alone while it lives. */
  constructor(cluster: CompiledCluster, memory: DatapathMemory) {
    this.#cluster = cluster;
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
    const sides: SideAnswer[] = [];
    for (const question of questions) {
      asked.push(this.#ask(question, "egress", asked, sides));
      asked.push(this.#ask(question, "ingress", asked, sides));
    }
    this.#run(asked, sides);
    let side = 0;
    for (const question of questions) {
      const egress = this.#request(question, sides[side++] ?? outside());
      const ingress = this.#request(question, sides[side++] ?? outside());
      answers.push(answerWithin(question) ?? bothSides(egress, ingress));
    }
  }

  #ask(
    { source, destination, protocol, port }: Question,
    direction: Direction,
    asked: readonly (Asked | undefined)[],
    sides: SideAnswer[],
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
  #run(asked: readonly (Asked | undefined)[], sides: SideAnswer[]): void {
    this.#batch.run();
    let lookup = 0;
    for (let i = sides.length; i < asked.length; i++) {
      const one = asked[i];
      sides.push(one === undefined ? outside() : this.#sideOf(one, lookup++));
    }
    this.#batch.clear();
  }

  #sideOf(asked: Asked, lookup: number): SideAnswer {
    const verdict = this.#batch.verdict(lookup);
    const cookie = this.#batch.cookie(lookup);
    let key: number | string = cookie * 16 + verdict;
    if (asked.peer.single) {
      const known = this.#sides.get(key);
      if (known !== undefined) return known;
    }
    const entries = this.#entries;
    collectDeciding(asked.peer, asked.protocol, asked.port, entries);
    this.#mustAgree(asked.subject, verdict, cookie);
    const decided = entries.find((entry) => entry.cookie === cookie);
    const authType = decided?.authType ?? 0;
    if (authType > 0) key += 8;
    const redirect = decided?.redirect;
    if (redirect !== undefined || entries.some((entry) => entry.cookie !== cookie)) {
      key = `${key} ${redirect} ${entries.map((entry) => entry.cookie).join(" ")}`;
    }
    let side = this.#sides.get(key);
    if (side === undefined) {
      this.#sides.set(key, side = this.#describe(verdict, authType, entries));
      if (redirect !== undefined) this.#redirects.set(side, redirect);
    }
    return side;
  }

  /**
   * What a proxy makes of the request, if there is one. The rules that it would be given
   * are read by the naive reading's own matcher.
   */
  #request({ request }: Question, side: SideAnswer): SideAnswer {
    const id = this.#redirects.get(side);
    if (request === undefined || id === undefined) return side;
    const redirect = this.#cluster.redirectOf(id);
    if (redirect === undefined) return side;
    const { kind, open, http, dns } = redirect;
    // A listener of the operator's own: nobody here knows what it does.
    if (kind === "listener") return side;
    const rules = kind === "http" ? { kind, rules: http } : { kind, rules: dns };
    const passes = open || letsThrough(rules, request);
    return oneSide(passes ? "allowed" : "denied", passes ? "rule" : "request", side.rules);
  }

  /** The emulator and the map state it was built from are two readings of one policy. */
  #mustAgree(subject: number, verdict: number, cookie: number): void {
    const entries = this.#entries;
    const agreed = entries.length === 0
      ? verdict === VERDICT_NONE
      : entries.some((entry) => entry.cookie === cookie && VERDICTS[entry.verdict] === verdict);
    if (agreed) return;
    throw new Error(
      `Cannot name the rules behind a verdict for identity "${subject}": the emulator says ` +
        `${verdict} by cookie ${cookie}, expected what the map state says`,
    );
  }

  #describe(verdict: number, authType: number, entries: readonly MapStateEntry[]): SideAnswer {
    const cookies = new Set(entries.map(({ cookie }) => cookie));
    const named = new Map(
      [...cookies].flatMap((cookie) => this.#cluster.rulesOf(cookie))
        .map((rule) => [JSON.stringify(rule), rule]),
    );
    const rules = [...named.values()];
    if (verdict === VERDICT_NONE) return oneSide("denied", "policy", []);
    if (verdict === VERDICT_DENY) return oneSide("denied", "policy deny", rules);
    if (authType > 0) return oneSide("denied", "auth required", rules);
    const reason = rules.length === 0 ? "no policy" : "rule";
    return oneSide(verdict === VERDICT_REDIRECT ? "redirected" : "allowed", reason, rules);
  }
}

const VERDICTS: Readonly<Record<string, number>> = {
  allow: VERDICT_ALLOW,
  deny: VERDICT_DENY,
  redirect: VERDICT_REDIRECT,
};
