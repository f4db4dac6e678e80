/**
 * What is said above the transport of one flow: what L7 rules are asked about.
 *
 * @module
 */

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

/** The first message of a TLS client. */
export interface TlsHello {
  /** Server name (SNI) that the client sends. Absent: it sends none. */
  readonly serverName?: string;
}

/** What is asked above the transport. */
export type Request =
  | { readonly kind: "http"; readonly http: HttpRequest }
  | { readonly kind: "dns"; readonly dns: DnsQuery }
  | { readonly kind: "tls"; readonly tls: TlsHello };
