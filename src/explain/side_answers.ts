import { VERDICT_ALLOW, VERDICT_DENY, VERDICT_NONE, VERDICT_REDIRECT } from "../datapath/layout.ts";
import { type L7Matcher, l7Matcher } from "../policy/l7_matcher.ts";
import { type MapStateEntry, prefixLengthOf } from "../policy/map_state.ts";
import { oneSide, type Question, type SideAnswer } from "./answer.ts";
import type { CompiledCluster } from "./compiled_cluster.ts";
import { collectDeciding, type PeerEntries } from "./policy_index.ts";
import { type FlowPort, formatPort } from "./port_text.ts";

/** Answers that are kept for peers with equal entries. */
const MAX_GIVEN = 4096;

/**
 * Turns what a datapath says into answers: names every rule behind a verdict, through the
 * map state from which its tables were built. Equal answers are one object.
 */
export class SideAnswers {
  readonly #cluster: CompiledCluster;
  readonly #sides = new Map<number | string, SideAnswer>();
  /** What proxies let through, for the sides that have one. */
  readonly #matchers = new Map<SideAnswer, L7Matcher>();
  readonly #entries: MapStateEntry[] = [];

  constructor(cluster: CompiledCluster) {
    this.#cluster = cluster;
  }

  /** Returns the answer that verdict and cookie alone give, where one entry decides. */
  known(verdict: number, cookie: number): SideAnswer | undefined {
    return this.#sides.get(cookie * 16 + verdict);
  }

  /**
   * Returns the answer of one side.
   *
   * @param peer What the side's policy has for the peer.
   * @param verdict `VERDICT_*`, as the datapath says.
   * @param cookie Of the entry that matched; 0 where none did.
   * @throws {Error} when the datapath and the map state disagree, which they must not.
   */
  sideOf(peer: PeerEntries, flow: FlowPort, verdict: number, cookie: number): SideAnswer {
    const known = peer.single ? this.known(verdict, cookie) : undefined;
    if (known !== undefined) return known;
    const asked = flow.protocol << 16 | flow.port;
    const given = peer.given.get(asked);
    if (given?.verdict === verdict && given.cookie === cookie) return given.side;
    const side = this.#find(peer, flow, verdict, cookie);
    if (peer.given.size < MAX_GIVEN) peer.given.set(asked, { side, verdict, cookie });
    return side;
  }

  #find(peer: PeerEntries, flow: FlowPort, verdict: number, cookie: number): SideAnswer {
    let key: number | string = cookie * 16 + verdict;
    const entries = this.#entries;
    collectDeciding(peer, flow.protocol, flow.port, entries);
    this.#mustAgree(flow, verdict, cookie);
    const decided = longestOf(entries, cookie);
    const authType = decided?.authType ?? 0;
    if (authType > 0) key += 8;
    const redirect = decided?.redirect;
    if (redirect !== undefined) this.#leaveLosersOut(redirect);
    if (redirect !== undefined || entries.some((entry) => entry.cookie !== cookie)) {
      key = `${key} ${redirect} ${entries.map((entry) => entry.cookie).join(" ")}`;
    }
    let side = this.#sides.get(key);
    if (side === undefined) {
      this.#sides.set(key, side = this.#describe(verdict, authType, entries));
      const rules = redirect === undefined ? undefined : this.#cluster.redirectOf(redirect);
      // Nobody here knows what a listener of the operator's own lets through.
      const matcher = rules && l7Matcher(rules);
      if (matcher !== undefined) this.#matchers.set(side, matcher);
    }
    return side;
  }

  /** Where an entry asks for another proxy, its rules have lost to those of the entry that counts. */
  #leaveLosersOut(redirect: number): void {
    const kindOf = (id: number) => this.#cluster.redirectOf(id)?.kind;
    const kind = kindOf(redirect);
    const entries = this.#entries;
    const kept = entries.filter(({ redirect }) =>
      redirect === undefined || kindOf(redirect) === kind
    );
    if (kept.length < entries.length) entries.splice(0, entries.length, ...kept);
  }

  /** What a proxy makes of the request, if there is one, by the rules that it would be given. */
  withRequest({ request }: Question, side: SideAnswer): SideAnswer {
    if (request === undefined || side.verdict !== "redirected") return side;
    const passes = this.#matchers.get(side)?.(request);
    if (passes === undefined) return side;
    return oneSide(passes ? "allowed" : "denied", passes ? "rule" : "request", side.rules);
  }

  /** The datapath and the map state it was built from are two readings of one policy. */
  #mustAgree(flow: FlowPort, verdict: number, cookie: number): void {
    const entries = this.#entries;
    const agreed = entries.length === 0
      ? verdict === VERDICT_NONE
      : entries.some((entry) => entry.cookie === cookie && VERDICTS[entry.verdict] === verdict);
    if (agreed) return;
    throw new Error(
      `Cannot name the rules behind a verdict for "${formatPort(flow)}": the datapath says ` +
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

/**
 * The entry that matched, of several with its cookie: one rule may have a narrow entry inside
 * of a broad one. The longest match wins, that of the peer before that of everyone, which is
 * collected first.
 */
function longestOf(entries: readonly MapStateEntry[], cookie: number): MapStateEntry | undefined {
  let longest: MapStateEntry | undefined;
  for (const entry of entries) {
    if (entry.cookie !== cookie) continue;
    if (longest === undefined || prefixLengthOf(entry) >= prefixLengthOf(longest)) longest = entry;
  }
  return longest;
}

const VERDICTS: Readonly<Record<string, number>> = {
  allow: VERDICT_ALLOW,
  deny: VERDICT_DENY,
  redirect: VERDICT_REDIRECT,
};
