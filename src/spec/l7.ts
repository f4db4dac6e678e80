import type { HttpHeaderMatch, HttpRule, L7Rules } from "../cluster/l7_rule.ts";
import { coversName } from "./dns_name.ts";

/** An HTTP request, as its policy sees it. */
export interface HttpRequest {
  readonly method: string;
  /** With the query, as sent. */
  readonly path: string;
  /** Value of `Host` or `:authority`. */
  readonly host?: string;
  /** By name, in any case. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A DNS question. */
export interface DnsQuery {
  readonly name: string;
}

/** What is asked above the transport. */
export type Request =
  | { readonly kind: "http"; readonly http: HttpRequest }
  | { readonly kind: "dns"; readonly dns: DnsQuery };

/** Do the rules let the request through? An empty list does, one of another protocol does not. */
export function letsThrough(l7: L7Rules, request: Request): boolean {
  if (l7.rules.length === 0) return l7.kind === request.kind;
  if (l7.kind === "http") {
    return request.kind === "http" && l7.rules.some((rule) => isAsked(rule, request.http));
  }
  return request.kind === "dns" && l7.rules.some((rule) => coversName(rule, request.dns.name));
}

/**
 * https://docs.cilium.io/en/stable/security/policy/language/#http: regular expressions for
 * the whole path, method and host; headers that must be there.
 */
function isAsked(rule: HttpRule, request: HttpRequest): boolean {
  const headers = new Map(
    Object.entries(request.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const host = request.host ?? headers.get("host") ?? "";
  return isWhole(rule.path, request.path) &&
    isWhole(rule.method, request.method) &&
    isWhole(rule.host?.toLowerCase(), host.toLowerCase()) &&
    (rule.headers ?? []).every(({ name, value }) => isThere(headers, name, value)) &&
    (rule.headerMatches ?? []).every((match) => isForgiven(match) || isMatched(headers, match));
}

function isWhole(expression: string | undefined, text: string): boolean {
  return !expression || new RegExp(`^(?:${expression})$`).test(text);
}

function isThere(headers: ReadonlyMap<string, string>, name: string, value?: string): boolean {
  const its = headers.get(name.toLowerCase());
  return its !== undefined && (value === undefined || its === value);
}

/** With a mismatch action the request goes on, changed or logged. */
function isForgiven({ mismatch }: HttpHeaderMatch): boolean {
  return mismatch !== undefined;
}

/** A value that is in a secret is not known here: nothing equals it. */
function isMatched(headers: ReadonlyMap<string, string>, match: HttpHeaderMatch): boolean {
  return match.secret === undefined && isThere(headers, match.name, match.value);
}
