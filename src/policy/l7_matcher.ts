import { parseHttpRegex } from "../cluster/http_regex.ts";
import type { HttpRequest, Request } from "../cluster/l7_request.ts";
import type { HttpHeaderMatch, HttpRule } from "../cluster/l7_rule.ts";
import {
  canonicalName,
  fqdnName,
  type FqdnPattern,
  fqdnPattern,
} from "../identity/fqdn_pattern.ts";
import type { Redirect } from "./redirect.ts";

/** Tells whether a proxy with the rules of a redirect lets a request through. */
export type L7Matcher = (request: Request) => boolean;

/** What a redirect asks of requests. */
export type L7Set = Pick<Redirect, "kind" | "open" | "http" | "dns" | "serverNames">;

/**
 * Compiles the L7 rules of a redirect, expressions once for all requests. An open redirect
 * lets everything through, whatever it is; any other only requests of its own protocol.
 *
 * @returns `undefined` for a listener of the operator's own: only that knows what it does.
 */
export function l7Matcher({ kind, open, http, dns, serverNames }: L7Set): L7Matcher | undefined {
  if (kind === "listener") return undefined;
  if (open) return () => true;
  switch (kind) {
    case "http": {
      const rules = http.map(httpMatcher);
      return (request) => {
        if (request.kind !== "http") return false;
        const head = headOf(request.http);
        return rules.some((holds) => holds(head));
      };
    }
    case "dns": {
      const matches = nameMatcher(
        dns.map((r) => "matchName" in r ? fqdnName(r.matchName) : fqdnPattern(r.matchPattern)),
      );
      return (request) => request.kind === "dns" && matches(request.dns.name);
    }
    case "tls": {
      const matches = nameMatcher(serverNames.map(fqdnPattern));
      return (request) => {
        const name = request.kind === "tls" ? request.tls.serverName : undefined;
        return name !== undefined && matches(name);
      };
    }
  }
}

function nameMatcher(patterns: readonly FqdnPattern[]): (name: string) => boolean {
  return (name) => {
    const canonical = canonicalName(name);
    return patterns.some(({ matches }) => matches(canonical));
  };
}

/** A request, its header names in lower case. */
interface Head {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly headers: ReadonlyMap<string, string>;
}

function headOf({ method, path, host, headers = {} }: HttpRequest): Head {
  const named = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) named.set(name.toLowerCase(), value);
  return { method, path, host: host ?? named.get("host") ?? "", headers: named };
}

function httpMatcher(rule: HttpRule): (head: Head) => boolean {
  const conditions: ((head: Head) => boolean)[] = [];
  const expect = (text: string | undefined, part: "method" | "path" | "host") => {
    if (text === undefined || text === "") return;
    const parsed = parseHttpRegex(text);
    const expression = part === "host" && !parsed.ignoreCase
      ? new RegExp(parsed.source, `${parsed.flags}i`)
      : parsed;
    conditions.push((head) => expression.test(head[part]));
  };
  expect(rule.method, "method");
  expect(rule.path, "path");
  expect(rule.host, "host");
  for (const { name, value } of rule.headers ?? []) conditions.push(headerIs(name, value));
  for (const match of rule.headerMatches ?? []) conditions.push(...headerCondition(match));
  return (head) => conditions.every((holds) => holds(head));
}

/** A mismatch with an action does not stop the request. The value in a secret is not known. */
function headerCondition({ name, value, secret, mismatch }: HttpHeaderMatch) {
  if (mismatch !== undefined) return [];
  return [secret === undefined ? headerIs(name, value) : () => false];
}

function headerIs(name: string, value: string | undefined): (head: Head) => boolean {
  const key = name.toLowerCase();
  return ({ headers }) => value === undefined ? headers.has(key) : headers.get(key) === value;
}
