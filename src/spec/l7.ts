import { parseHttpRegex } from "../cluster/http_regex.ts";
import type { HttpRequest, Request } from "../cluster/l7_request.ts";
import type { HttpHeaderMatch, HttpRule, L7Rules } from "../cluster/l7_rule.ts";
import { coversName } from "./dns_name.ts";

/** What a part of a rule asks for above the transport: L7 rules, or server names of TLS. */
export type L7Condition =
  | L7Rules
  | { readonly kind: "tls"; readonly rules: readonly string[] };

/** Do the rules let the request through? An empty list does, one of another protocol does not. */
export function letsThrough(l7: L7Condition, request: Request): boolean {
  if (l7.kind !== request.kind) return false;
  if (l7.rules.length === 0) return true;
  switch (l7.kind) {
    case "http":
      return request.kind === "http" && l7.rules.some((rule) => isAsked(rule, request.http));
    case "dns":
      return request.kind === "dns" && l7.rules.some((rule) => coversName(rule, request.dns.name));
    case "tls":
      return request.kind === "tls" && isGreeted(l7.rules, request.tls.serverName);
  }
}

/**
 * "TLS must be present and one of the provided SNIs must be indicated in the TLS handshake":
 * https://docs.cilium.io/en/stable/security/policy/layer4/#limit-tls-server-name-indication-sni
 */
function isGreeted(names: readonly string[], serverName: string | undefined): boolean {
  return serverName !== undefined &&
    names.some((matchPattern) => coversName({ matchPattern }, serverName));
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
    isWhole(rule.host, host, "i") &&
    (rule.headers ?? []).every(({ name, value }) => isThere(headers, name, value)) &&
    (rule.headerMatches ?? []).every((match) => isForgiven(match) || isMatched(headers, match));
}

function isWhole(expression: string | undefined, text: string, flag = ""): boolean {
  if (!expression) return true;
  const { source, flags } = parseHttpRegex(expression);
  return new RegExp(source, flags.includes(flag) ? flags : flags + flag).test(text);
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
