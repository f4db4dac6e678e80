import type { RuleOrigin } from "../cluster/rule.ts";
import type { Request } from "../cluster/l7_request.ts";
import type { End } from "./end_finder.ts";
import type { FlowPort } from "./port_text.ts";

/** What is asked: may this flow pass? */
export interface Question extends FlowPort {
  readonly source: End;
  readonly destination: End;
  /** What is said above the transport, if that is the question too. */
  readonly request?: Request;
}

/** What becomes of a flow; `redirected` is allowed as far as a proxy, which decides. */
export type Verdict = "allowed" | "denied" | "redirected";

/**
 * Why a side says what it says:
 * - `rule`: rules allow it (or send it to a proxy);
 * - `no policy`: no rule closes this direction of the endpoint;
 * - `not an endpoint`: the end is neither pod nor node, policies do not stand there;
 * - `same pod`: the flow never leaves the pod;
 * - `policy`: no rule allows it;
 * - `policy deny`: a rule denies it;
 * - `auth required`: rules allow it once both ends have proved who they are;
 * - `request`: the proxy denies what is asked above the transport.
 */
export type Reason =
  | "rule"
  | "no policy"
  | "not an endpoint"
  | "same pod"
  | "policy"
  | "policy deny"
  | "auth required"
  | "request";

/** What one side says. */
export interface SideAnswer {
  readonly verdict: Verdict;
  readonly reason: Reason;
  /** Every rule behind the verdict. */
  readonly rules: readonly RuleOrigin[];
}

/** What both sides say, and what follows from it. */
export interface Answer {
  readonly verdict: Verdict;
  /** The source's policies. */
  readonly egress: SideAnswer;
  /** The destination's policies. */
  readonly ingress: SideAnswer;
}

/** Something that answers questions: the naive reading, the emulator, the kernel. */
export interface Twin extends Disposable {
  readonly kind: "spec" | "emulator" | "kernel";
  /** Answers in the order of the questions. */
  answer(questions: readonly Question[]): Promise<readonly Answer[]>;
}

const OUTSIDE: SideAnswer = { verdict: "allowed", reason: "not an endpoint", rules: [] };
const OPEN: SideAnswer = { verdict: "allowed", reason: "no policy", rules: [] };
const OWN: SideAnswer = { verdict: "allowed", reason: "same pod", rules: [] };
const WITHIN: Answer = { verdict: "allowed", egress: OWN, ingress: OWN };

/**
 * The answer that needs no policy: a pod reaches itself without a packet leaving it. Two
 * replicas of one workload are two pods.
 */
export function answerWithin({ source, destination }: Question): Answer | undefined {
  const same = source.pod !== undefined && source.pod === destination.pod;
  return same && !source.several ? WITHIN : undefined;
}

/** What a side says without a policy: nothing stands there, or nothing selects it. */
export function withoutPolicy({ pod, peer }: End): SideAnswer {
  return pod === undefined && peer.kind !== "node" ? OUTSIDE : OPEN;
}

/** Puts a side together; every twin names the rules in the same order. */
export function oneSide(
  verdict: Verdict,
  reason: Reason,
  rules: readonly RuleOrigin[],
): SideAnswer {
  return { verdict, reason, rules: rules.toSorted(compareRules) };
}

function compareRules(a: RuleOrigin, b: RuleOrigin): number {
  return compareText(a.kind, b.kind) || compareText(a.namespace, b.namespace) ||
    compareText(a.name, b.name) || compareText(a.direction, b.direction) ||
    Number(a.deny ?? false) - Number(b.deny ?? false) || a.index - b.index;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Puts both sides together. */
export function bothSides(egress: SideAnswer, ingress: SideAnswer): Answer {
  return { verdict: bothVerdicts(egress.verdict, ingress.verdict), egress, ingress };
}

function bothVerdicts(egress: Verdict, ingress: Verdict): Verdict {
  if (egress === "denied" || ingress === "denied") return "denied";
  return egress === "redirected" || ingress === "redirected" ? "redirected" : "allowed";
}
