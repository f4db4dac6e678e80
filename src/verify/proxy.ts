import { MARK_MASK, MARK_TO_PROXY } from "../datapath/layout.ts";
import type { Request } from "../cluster/l7_request.ts";
import type { RuleDirection } from "../cluster/rule.ts";
import type { Redirect } from "../policy/redirect.ts";
import { l7Matcher } from "../policy/l7_matcher.ts";
import type { L7Verdict } from "../spec/evaluate.ts";

/** The proxy to which the text of the policies sends a packet. */
export interface ExpectedProxy {
  /** Whose policy asks for it. */
  readonly direction: RuleDirection;
  readonly kind: L7Verdict["kind"];
  /** It lets {@linkcode ODD_REQUEST} through: rules do not ask for much, or for nothing. */
  readonly passesOdd: boolean;
}

/** Requests that only rules without a condition foresee. */
export const ODD_REQUEST: Readonly<Record<ExpectedProxy["kind"], Request>> = {
  http: { kind: "http", http: { method: "ODD", path: "/odd", host: "odd.invalid" } },
  dns: { kind: "dns", dns: { name: "odd.invalid" } },
  tls: { kind: "tls", tls: { serverName: "odd.invalid" } },
};

/** Says how a mark does not send a packet to the expected proxy; empty when it does. */
export function proxyDifferences(
  expected: ExpectedProxy,
  mark: number,
  redirectAt: (port: number) => Redirect | undefined,
): string[] {
  const redirect = (mark & MARK_MASK) === MARK_TO_PROXY ? redirectAt(mark >>> 16) : undefined;
  if (redirect === undefined) {
    return [`mark 0x${mark.toString(16)}, expected that of ${describeProxy(expected)}`];
  }
  const { direction, kind } = redirect;
  const passesOdd = kind !== "listener" && l7Matcher(redirect)?.(ODD_REQUEST[kind]) === true;
  const got = { direction, kind, passesOdd };
  const isSame = direction === expected.direction && kind === expected.kind &&
    passesOdd === expected.passesOdd;
  return isSame ? [] : [`${describeProxy(got)}, expected ${describeProxy(expected)}`];
}

function describeProxy(
  { direction, kind, passesOdd }: Omit<ExpectedProxy, "kind"> & { readonly kind: string },
): string {
  return `${direction} proxy for ${kind} (${passesOdd ? "any" : "not any"} request passes)`;
}
