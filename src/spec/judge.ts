import type { Request } from "../cluster/l7_request.ts";
import type { RuleDirection, RuleOrigin } from "../cluster/rule.ts";
import type { L7Verdict, SideVerdict } from "./evaluate.ts";
import { authenticationOf } from "./authentication.ts";
import { type L7Condition, letsThrough } from "./l7.ts";
import { type Cover, type Statement, TIERS } from "./statement.ts";

/** What counts beside the rules. */
export interface Circumstances {
  /** Everything is closed that no rule opens, even where no rule closes it. */
  readonly closed: boolean;
  /** The host may reach its pods. */
  readonly isAlwaysAllowed: boolean;
  readonly direction: RuleDirection;
  readonly request: Request | undefined;
}

/** Weighs what the rules for a subject say of a flow. */
export function judge(statements: readonly Statement[], around: Circumstances): SideVerdict {
  const enforced = around.closed || statements.some(({ defaultDeny }) => defaultDeny);
  const about = statements.filter(({ covering }) => covering.length > 0);
  let passed = false;
  for (const tier of TIERS) {
    // A pass leaves the rest of its tier out.
    const first = firstLevel(about.filter((statement) => statement.tier === tier));
    const denials = first.filter(({ effect }) => effect === "deny");
    if (denials.length > 0) {
      return { verdict: "deny", reason: 181, enforced, rules: denials.map(({ origin }) => origin) };
    }
    const allowances = first.filter(({ effect }) => effect === "allow");
    if (allowances.length > 0) return allow(allowances, enforced, around);
    passed ||= first.length > 0;
    if (tier !== "Normal") continue;
    const isClosed = statements.some((s) => s.tier === "Normal" && s.defaultDeny);
    if (around.isAlwaysAllowed && enforced) return allow([], enforced, around);
    // The tier below is for subjects that this one leaves open:
    // https://network-policy-api.sigs.k8s.io/api-overview/
    if (isClosed) return deny(passed, around.direction);
  }
  return around.closed ? deny(passed, around.direction) : { verdict: "allow", enforced, rules: [] };
}

/**
 * Nothing allows the flow. Where a rule has passed it on, that is a denial like any other,
 * since rules behind the pass might allow it; otherwise nobody has said anything.
 */
function deny(passed: boolean, direction: RuleDirection): SideVerdict {
  if (!passed) return { verdict: "deny", reason: 133, enforced: true, rules: [] };
  const origin = { kind: "builtin", namespace: "", name: "default-deny", direction, index: 0 };
  return { verdict: "deny", reason: 181, enforced: true, rules: [origin] };
}

/** The statements of the first level. */
function firstLevel(statements: readonly Statement[]): Statement[] {
  const [first] = statements.toSorted((a, b) => compareLevels(a.level, b.level));
  if (first === undefined) return [];
  return statements.filter(({ level }) => compareLevels(level, first.level) === 0);
}

function compareLevels(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((number, i) => number !== b[i]);
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}

function allow(
  allowances: readonly Statement[],
  enforced: boolean,
  { isAlwaysAllowed, direction, request }: Circumstances,
): SideVerdict {
  const kind = firstKind(allowances);
  const kept = allowances
    .map((statement) => ({ ...statement, covering: keep(statement.covering, kind) }))
    .filter(({ covering }) => covering.length > 0);
  const rules: RuleOrigin[] = kept.map(({ origin }) => origin);
  const covers = kept.flatMap(({ covering }) => covering);
  const isHost = isAlwaysAllowed && enforced;
  if (isHost) {
    rules.push({ kind: "builtin", namespace: "", name: "allow-localhost", direction, index: 0 });
    covers.push(HOST);
  }
  const authentication = authenticationOf(covers);
  const isOpen = isHost || !enforced;
  return {
    verdict: "allow",
    enforced,
    rules,
    ...(kind === undefined ? {} : { redirect: redirectTo(kind, covers, isOpen, request) }),
    ...(authentication === undefined || authentication === "disabled" ? {} : { authentication }),
  };
}

/** The host need not prove anything: kubelet cannot. */
const HOST: Cover = { isForEveryone: false, narrowness: 0, authentication: "disabled" };

/**
 * What a proxy does with the request. A rule that says nothing above the transport opens
 * it for everything: https://docs.cilium.io/en/stable/security/policy/layer7/ ("the layer 7
 * portions of the latter rule will have no effect"). Where nothing is closed, or the host
 * speaks, nothing is closed above the transport either:
 * https://github.com/cilium/cilium/pull/38841 and
 * https://github.com/cilium/cilium/pull/4435.
 */
function redirectTo(
  kind: L7Condition["kind"],
  covers: readonly Cover[],
  isOpen: boolean,
  request: Request | undefined,
): L7Verdict {
  if (request === undefined) return { kind };
  const passes = isOpen ||
    covers.some(({ l7 }) => l7 === undefined || letsThrough(l7, request));
  return { kind, verdict: passes ? "allow" : "deny" };
}

/**
 * The one protocol that a proxy reads on this flow: that of the oldest policy, then the
 * first by namespace and name, then its first rule; of a rule that contradicts itself the
 * first protocol by name. One port cannot have two.
 */
function firstKind(statements: readonly Statement[]): L7Condition["kind"] | undefined {
  return statements.toSorted(compareAge)
    .flatMap(({ covering }) => covering.flatMap(({ l7 }) => l7?.kind ?? []).sort())[0];
}

function keep(covering: readonly Cover[], kind: L7Condition["kind"] | undefined): readonly Cover[] {
  return covering.filter(({ l7 }) => l7 === undefined || l7.kind === kind);
}

function compareAge(a: Statement, b: Statement): number {
  const [x, y] = [a.createdAt ?? Infinity, b.createdAt ?? Infinity];
  if (x !== y) return x - y;
  const name = ({ origin }: Statement) => `${origin.namespace}/${origin.name}`;
  if (name(a) !== name(b)) return name(a) < name(b) ? -1 : 1;
  return a.origin.index - b.origin.index;
}
