/**
 * Which labels make an identity. Labels that differ from pod to pod (hashes, indexes,
 * dates) would give every pod an identity of its own.
 *
 * After Cilium's "Limiting identity-relevant labels":
 * https://docs.cilium.io/en/stable/operations/performance/scalability/identity-relevant-labels/
 *
 * @module
 */
import type { Label } from "./label.ts";

/** One line of a filter. */
export interface LabelPattern {
  /** Leave out what matches, instead of taking it in. */
  readonly exclude: boolean;
  /** Source that the label must have; absent for any. */
  readonly source?: string;
  /** Matched against the start of the key. */
  readonly expression: RegExp;
}

/** Decides whether a label is part of the identity. */
export type LabelFilter = (label: Label) => boolean;

/** Cilium's default patterns, in `--labels` notation. */
export const DEFAULT_LABEL_PATTERNS: readonly string[] = [
  "reserved:.*",
  "io\\.kubernetes\\.pod\\.namespace",
  "io\\.cilium\\.k8s\\.namespace\\.labels",
  "app\\.kubernetes\\.io",
  "io\\.cilium\\.k8s\\.policy\\.cluster",
  "!io\\.kubernetes",
  "!kubernetes\\.io",
  "!statefulset\\.kubernetes\\.io/pod-name",
  "!apps\\.kubernetes\\.io/pod-index",
  "!batch\\.kubernetes\\.io/job-completion-index",
  "!batch\\.kubernetes\\.io/controller-uid",
  "!.*beta\\.kubernetes\\.io",
  "!k8s\\.io",
  "!pod-template-generation",
  "!pod-template-hash",
  "!controller-revision-hash",
  "!controller-uid",
  "!annotation.*",
  "!etcd_node",
];

/**
 * Parses `[source:][!]expression`.
 *
 * @throws {SyntaxError} for an empty or malformed expression.
 */
export function parseLabelPattern(text: string): LabelPattern {
  const colon = text.indexOf(":");
  const source = colon < 0 ? undefined : text.slice(0, colon);
  const rest = text.slice(colon + 1);
  const exclude = rest.startsWith("!");
  const expression = exclude ? rest.slice(1) : rest;
  if (expression === "") {
    throw new SyntaxError(
      `Cannot parse label pattern ${
        JSON.stringify(text)
      }: no expression, expected [source:][!]expression`,
    );
  }
  return {
    exclude,
    ...(source === undefined ? {} : { source }),
    expression: new RegExp(`^(?:${expression})`),
  };
}

/**
 * Makes a filter of the default patterns and additional ones.
 *
 * The longest match decides between taking in and leaving out. A label that nothing
 * matches is part of the identity, unless one of the *additional* patterns takes
 * labels in: then only what is taken in counts.
 */
export function labelFilter(additional: readonly string[] = []): LabelFilter {
  const own = additional.map(parseLabelPattern);
  const patterns = [...DEFAULT_LABEL_PATTERNS.map(parseLabelPattern), ...own];
  const inclusive = own.some((pattern) => !pattern.exclude);
  const decided = new Map<string, boolean>();
  return (label) => {
    // A cluster has few keys of labels, and each pod asks for all of its own.
    const name = `${label.source}:${label.key}`;
    const known = decided.get(name);
    if (known !== undefined) return known;
    const answer = isRelevant(label, patterns, inclusive);
    if (decided.size < MAX_DECIDED) decided.set(name, answer);
    return answer;
  };
}

/** Keys are chosen by others: what is remembered must not grow without end. */
const MAX_DECIDED = 100_000;

function isRelevant(
  label: Label,
  patterns: readonly LabelPattern[],
  inclusive: boolean,
): boolean {
  let included = 0;
  // The shortest exclusion competes with the longest inclusion, as in Cilium.
  let excluded = Infinity;
  for (const pattern of patterns) {
    if (pattern.source !== undefined && pattern.source !== label.source) continue;
    const length = pattern.expression.exec(label.key)?.[0].length;
    if (length === undefined) continue;
    if (pattern.exclude) excluded = Math.min(excluded, length);
    else included = Math.max(included, length);
  }
  if (excluded === Infinity) return included > 0 || !inclusive;
  return included > excluded;
}
