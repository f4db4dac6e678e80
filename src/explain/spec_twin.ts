import type { ClusterObject } from "../cluster/object.ts";
import type { RuleDirection } from "../cluster/rule.ts";
import { type EvaluateOptions, evaluateSide, type SideVerdict } from "../spec/evaluate.ts";
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

/** Answers by the naive reading of the rules: slow, and obviously right. */
export class SpecTwin implements Twin {
  readonly kind = "spec";
  readonly #objects: readonly ClusterObject[];
  readonly #options: EvaluateOptions;

  constructor(objects: readonly ClusterObject[], options: EvaluateOptions = {}) {
    // Pods are no part of what is said about a flow, and there may be many.
    this.#objects = objects.filter(({ kind }) => kind !== "Pod" && kind !== "Namespace");
    this.#options = options;
  }

  answer(questions: readonly Question[]): Promise<readonly Answer[]> {
    return Promise.resolve(questions.map((question) => this.#answer(question)));
  }

  [Symbol.dispose](): void {}

  #answer(question: Question): Answer {
    return answerWithin(question) ??
      bothSides(this.#side(question, "egress"), this.#side(question, "ingress"));
  }

  #side(question: Question, direction: RuleDirection): SideAnswer {
    const { source, destination, protocol, port, request } = question;
    const subject = direction === "egress" ? source : destination;
    if (subject.pod === undefined && subject.peer.kind !== "node") return outside();
    const flow = {
      source: source.peer,
      destination: destination.peer,
      protocol,
      port,
      ...(request === undefined ? {} : { request }),
    };
    return sideOf(evaluateSide(this.#objects, flow, direction, this.#options));
  }
}

function sideOf({ verdict, reason, rules, redirect, authentication }: SideVerdict): SideAnswer {
  if (verdict === "deny") {
    return oneSide("denied", reason === 181 ? "policy deny" : "policy", rules);
  }
  if (authentication !== undefined) return oneSide("denied", "auth required", rules);
  if (redirect?.verdict === "deny") return oneSide("denied", "request", rules);
  const open = redirect !== undefined && redirect.verdict === undefined;
  return oneSide(open ? "redirected" : "allowed", rules.length === 0 ? "no policy" : "rule", rules);
}
