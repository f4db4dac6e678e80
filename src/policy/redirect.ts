import type { HttpRule, L7Rules } from "../cluster/l7_rule.ts";
import type { FqdnSelector } from "../cluster/rule_peer.ts";
import { canonicalName } from "../identity/fqdn_pattern.ts";
import type { L7Demand } from "./compiled_rule.ts";
import { InternTable } from "./intern_table.ts";
import type { Direction } from "./map_state.ts";

/**
 * Protocol that a proxy must speak: that of the L7 rules, `tls` as far as the client's first
 * message, `listener` for a listener that says nothing of it.
 */
export type RedirectKind = L7Rules["kind"] | "tls" | "listener";

/** What a proxy has to do with the flows of an entry. */
export interface Redirect {
  /** 1 to 65535; the number in the map state's entries. */
  readonly id: number;
  readonly direction: Direction;
  readonly kind: RedirectKind;
  /** Listener of the operator's own, as `Kind/config/name`. Absent: the built-in proxy's. */
  readonly listener?: string;
  /**
   * Everything passes, the proxy only watches: a rule allows the same flows without a
   * condition on this protocol, or no rule turns default deny on.
   */
  readonly open: boolean;
  /** Of which at least one must hold; empty where everything passes. */
  readonly http: readonly HttpRule[];
  /** Of which at least one must hold; empty where everything passes. */
  readonly dns: readonly FqdnSelector[];
  /** Server names of which a TLS client must send one; empty where everything passes. */
  readonly serverNames: readonly string[];
}

/** Returns the protocol that a demand asks for. */
export function redirectKindOf({ rules, serverNames }: L7Demand): RedirectKind {
  return rules?.kind ?? (serverNames === undefined ? "listener" : "tls");
}

/** Returns the name of the demanded listener. */
export function listenerOf({ listener }: L7Demand): string | undefined {
  if (listener === undefined) return undefined;
  return `${listener.envoyConfig.kind}/${listener.envoyConfig.name}/${listener.name}`;
}

/** How many numbers of redirects there are: entries hold a u16, and 0 is none. */
export const MAX_REDIRECTS = 0xffff;

/** Redirects by number: equal demands share one. */
export class RedirectTable {
  readonly #redirects = new InternTable<Omit<Redirect, "id">>({
    first: 1,
    last: MAX_REDIRECTS,
    what: "redirect",
    keep: 8,
  });

  /**
   * Takes a reference on the number of the redirect that meets all of the demands.
   *
   * @param demands At least one, all of one kind.
   * @param open A rule without demands allows the same flows.
   */
  intern(direction: Direction, demands: readonly L7Demand[], open: boolean): number {
    const http = new Map<string, HttpRule>();
    const dns = new Map<string, FqdnSelector>();
    const serverNames = new Set<string>();
    let everything = open;
    for (const { rules, serverNames: names = [] } of demands) {
      if ((rules?.rules ?? names).length === 0) everything = true;
      else if (rules === undefined) {
        for (const name of names) serverNames.add(canonicalName(name));
      } else if (rules.kind === "http") {
        for (const r of rules.rules) http.set(JSON.stringify(r), r);
      } else for (const r of rules.rules) dns.set(JSON.stringify(r), r);
    }
    if (everything) { for (const set of [http, dns, serverNames]) set.clear(); }
    const kinds = demands.map(redirectKindOf);
    const kind = kinds.find((k) => k !== "listener") ?? "listener";
    const listener = demands.map(listenerOf).find((name) => name !== undefined);
    const sorted = <T>(map: Map<string, T>) =>
      [...map].sort(([a], [b]) => a < b ? -1 : 1).map(([, rule]) => rule);
    const redirect: Omit<Redirect, "id"> = {
      direction,
      kind,
      ...(listener === undefined ? {} : { listener }),
      open: everything,
      http: sorted(http),
      dns: sorted(dns),
      serverNames: [...serverNames].sort(),
    };
    return this.#redirects.intern(JSON.stringify(redirect), () => redirect);
  }

  /** Gives a reference back. */
  release(id: number): void {
    this.#redirects.release(id);
  }

  /** Returns a redirect; `undefined` for a number that is unknown or too old. */
  get(id: number): Redirect | undefined {
    const redirect = this.#redirects.get(id);
    return redirect === undefined ? undefined : { id, ...redirect };
  }

  /** Starts the next revision and forgets what has been out of use for too long. */
  advance(): void {
    this.#redirects.advance();
  }
}
