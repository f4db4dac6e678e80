/**
 * Application-layer rules of `toPorts[].rules`, as written.
 *
 * @module
 */
import type { FqdnSelector } from "./rule_peer.ts";

/** A Kubernetes secret. */
export interface SecretRef {
  /** Absent where the author gave none. */
  readonly namespace?: string;
  readonly name: string;
}

/** One item of `headers`: `Name: value`, or `Name` alone, which asks for presence. */
export interface HttpHeader {
  /** As written; header names compare without regard to case. */
  readonly name: string;
  /** The whole value, compared exactly. Absent: any value. */
  readonly value?: string;
}

/** What to do with a request whose header does not match. */
export type HeaderMismatch = "LOG" | "ADD" | "DELETE" | "REPLACE";

/** One item of `headerMatches`. */
export interface HttpHeaderMatch {
  readonly name: string;
  /** Compared exactly. Absent (with `secret` absent too): the header must be present. */
  readonly value?: string;
  /** Holds the value. */
  readonly secret?: SecretRef;
  /** Absent: the request is denied. Otherwise it is let through, after the action. */
  readonly mismatch?: HeaderMismatch;
}

/**
 * One item of `rules.http`: all of its parts must hold. `path`, `method` and `host` are
 * regular expressions that must match the whole text; an empty one is left out.
 */
export interface HttpRule {
  readonly path?: string;
  readonly method?: string;
  /** Compared without regard to case. */
  readonly host?: string;
  /** All must hold. */
  readonly headers?: readonly HttpHeader[];
  /** All must hold. */
  readonly headerMatches?: readonly HttpHeaderMatch[];
}

/**
 * `toPorts[].rules`: one protocol, and one of its rules must hold. Never empty: an empty
 * list is no condition, and `rules` is absent then.
 */
export type L7Rules =
  | { readonly kind: "http"; readonly rules: readonly HttpRule[] }
  | { readonly kind: "dns"; readonly rules: readonly FqdnSelector[] };

/** `terminatingTLS` or `originatingTLS`. */
export interface TlsContext {
  readonly secret: SecretRef;
  /** Key of the trusted CA in the secret. */
  readonly trustedCa?: string;
  /** Key of the certificate in the secret. */
  readonly certificate?: string;
  /** Key of the private key in the secret. */
  readonly privateKey?: string;
}

/** `listener`: an Envoy listener of the operator's own. */
export interface ListenerRef {
  readonly name: string;
  /** 1 to 100, a lower number wins. Absent: the default of the protocol. */
  readonly priority?: number;
  readonly envoyConfig: {
    readonly kind: "CiliumEnvoyConfig" | "CiliumClusterwideEnvoyConfig";
    readonly name: string;
  };
}
