/**
 * Questions as text: the options of `trace`, and the lines of its `--queries`.
 *
 * @module
 */
import type { Verdict } from "../explain/answer.ts";
import { type FlowPort, parsePort, portOf } from "../explain/port_text.ts";
import type { Request } from "../cluster/l7_request.ts";

/** One line of `--queries`. */
export interface Query extends FlowPort {
  /** As given; the line's number where it has none. */
  readonly id: string | number;
  readonly from: string;
  readonly to: string;
  readonly request?: Request;
  readonly expect?: Verdict;
}

const FIELDS: ReadonlySet<string> = new Set([
  "id",
  "from",
  "to",
  "protocol",
  "port",
  "http",
  "headers",
  "dns",
  "sni",
  "expect",
]);
const VERDICTS: readonly string[] = ["allowed", "denied", "redirected"];
/** Longest line of a query file. */
export const MAX_QUERY = 65536;

/**
 * Parses one line: `{"id","from","to","protocol","port","http"?,"headers"?,"dns"?,"sni"?,"expect"?}`.
 * `protocol` is TCP where it is left out.
 *
 * @param number Line number, from 1.
 * @throws {SyntaxError} saying what is wrong with the line.
 */
export function parseQuery(line: string, number: number): Query {
  if (line.length > MAX_QUERY) {
    throw new SyntaxError(`too long, expected at most ${MAX_QUERY} characters`);
  }
  const value = parsed(line);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new SyntaxError(`not an object, expected {"from": …, "to": …, "port": …}`);
  }
  const fields = value as Readonly<Record<string, unknown>>;
  for (const name in fields) {
    if (!FIELDS.has(name)) {
      throw new SyntaxError(
        `unknown field ${JSON.stringify(name.slice(0, 40))}, expected one of ${
          [...FIELDS].join(", ")
        }`,
      );
    }
  }
  const { id = number, from, to, protocol = "TCP", port, expect } = fields;
  if (typeof id !== "string" && typeof id !== "number") throw wrong("id", "text or a number");
  if (typeof from !== "string") throw wrong("from", "text");
  if (typeof to !== "string") throw wrong("to", "text");
  if (typeof protocol !== "string") throw wrong("protocol", "text");
  if (expect !== undefined && !VERDICTS.includes(String(expect))) {
    throw wrong("expect", VERDICTS.join(", "));
  }
  const asked = portOf(protocol, numberOf(port));
  const query = { id, from, to, protocol: asked.protocol, port: asked.port };
  // Most lines have neither; there may be millions.
  const request = requestOf(fields);
  if (request === undefined && expect === undefined) return query;
  return {
    ...query,
    ...(request === undefined ? {} : { request }),
    ...(expect === undefined ? {} : { expect: expect as Verdict }),
  };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new SyntaxError(`not JSON, expected {"from": …, "to": …, "port": …}`);
  }
}

/** Parses `80/TCP`, and what is said above it. */
export function parseAsked(
  port: string,
  asked: {
    readonly http?: string;
    readonly header?: readonly string[];
    readonly dns?: string;
    readonly sni?: string;
  },
): FlowPort & { readonly request?: Request } {
  const headers = Object.fromEntries((asked.header ?? []).map(parseHeader));
  const { http, dns, sni } = asked;
  const request = requestOf({
    ...(http === undefined ? {} : { http }),
    ...(dns === undefined ? {} : { dns }),
    ...(sni === undefined ? {} : { sni }),
    ...(asked.header === undefined ? {} : { headers }),
  });
  return { ...parsePort(port), ...(request === undefined ? {} : { request }) };
}

function parseHeader(text: string): [string, string] {
  const at = text.indexOf(":");
  if (at > 0) return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
  throw new SyntaxError(
    `Cannot use ${
      JSON.stringify(text)
    } as a header: no name, expected for example "Host: example.com"`,
  );
}

function requestOf(fields: Readonly<Record<string, unknown>>): Request | undefined {
  const { http, headers, dns, sni } = fields;
  if (http === undefined && headers === undefined && dns === undefined && sni === undefined) {
    return undefined;
  }
  const [first, second] = Object.entries({ http, dns, sni })
    .flatMap(([name, value]) => value === undefined ? [] : [name]);
  if (first !== undefined && second !== undefined) {
    throw new SyntaxError(`both ${first} and ${second}, expected one`);
  }
  if (dns !== undefined) {
    if (typeof dns !== "string" || dns === "") throw wrong("dns", "a name");
    return { kind: "dns", dns: { name: dns } };
  }
  if (sni !== undefined) {
    if (typeof sni !== "string") throw wrong("sni", "a server name, or empty for none");
    return { kind: "tls", tls: sni === "" ? {} : { serverName: sni } };
  }
  if (http === undefined) {
    if (headers !== undefined) throw new SyntaxError("headers without http, expected both");
    return undefined;
  }
  const [, method, path] = typeof http === "string" ? /^(\S+) (\S+)$/.exec(http) ?? [] : [];
  if (method === undefined || path === undefined) throw wrong("http", `for example "GET /v1"`);
  const named = headersOf(headers);
  const host = Object.entries(named).find(([name]) => name.toLowerCase() === "host")?.[1];
  return {
    kind: "http",
    http: { method, path, headers: named, ...(host === undefined ? {} : { host }) },
  };
}

function headersOf(headers: unknown): Record<string, string> {
  if (headers === undefined) return {};
  if (typeof headers !== "object" || headers === null || Array.isArray(headers)) {
    throw wrong("headers", "an object");
  }
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]: [string, unknown]) => {
      if (typeof value !== "string") throw wrong("headers", "texts");
      return [name, value];
    }),
  );
}

function numberOf(port: unknown): number | undefined {
  if (port === undefined || typeof port === "number") return port;
  if (typeof port === "string" && /^[0-9]{1,5}$/.test(port)) return Number(port);
  throw wrong("port", "a number");
}

function wrong(field: string, expected: string): SyntaxError {
  return new SyntaxError(`wrong ${field}, expected ${expected}`);
}
