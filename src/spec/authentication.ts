import type { AuthenticationMode } from "../cluster/rule_peer.ts";
import type { Cover } from "./statement.ts";

/** What a flow has to prove; `disabled` is a rule that asks for nothing, explicitly. */
const STRENGTH: readonly AuthenticationMode[] = ["disabled", "required", "test-always-fail"];

/**
 * Says which authentication counts for a flow.
 *
 * The rules that name the peer and those that are for everyone are looked at apart, and
 * one of the two sides decides the flow: the one that asks for a proxy, else the one with
 * the narrower rule, else the one that names the peer. What the narrowest rule of that
 * side says of authentication holds. If it says nothing, the next broader one speaks for
 * it, and the other side too, if it is as strong: then the stronger demand holds
 * (`authPreferredInsert` in cilium v1.19 pkg/policy/mapstate.go, `__policy_check` in
 * bpf/lib/policy.h).
 */
export function authenticationOf(covers: readonly Cover[]): AuthenticationMode | undefined {
  const named = covers.filter(({ isForEveryone }) => !isForEveryone);
  const broad = covers.filter(({ isForEveryone }) => isForEveryone);
  const [deciding, other] = broadDecides(named, broad) ? [broad, named] : [named, broad];
  const narrow = narrowest(deciding);
  const itself = demandOf(deciding.filter(({ narrowness }) => narrowness === narrow));
  if (itself !== undefined) return itself;
  const inherited = demandAround(deciding);
  return hasProxy(deciding) === hasProxy(other)
    ? strongest([inherited, demandAround(other)])
    : inherited;
}

function broadDecides(named: readonly Cover[], broad: readonly Cover[]): boolean {
  if (broad.length === 0 || named.length === 0) return named.length === 0;
  if (hasProxy(named) !== hasProxy(broad)) return hasProxy(broad);
  return narrowest(broad) > narrowest(named);
}

/**
 * How narrow the rule is that decides on a side. One without proxy inside a broader one
 * with a proxy is no rule of its own, unless it says something of authentication.
 */
function narrowest(covers: readonly Cover[]): number {
  const deciding = hasProxy(covers)
    ? covers.filter(({ l7, authentication }) => l7 !== undefined || authentication !== undefined)
    : covers;
  return Math.max(...deciding.map(({ narrowness }) => narrowness));
}

function hasProxy(covers: readonly Cover[]): boolean {
  return covers.some(({ l7 }) => l7 !== undefined);
}

/** What the narrowest rule asks for that asks for anything. */
function demandAround(covers: readonly Cover[]): AuthenticationMode | undefined {
  const speaking = covers.filter(({ authentication }) => authentication !== undefined);
  const narrow = Math.max(...speaking.map(({ narrowness }) => narrowness));
  return demandOf(speaking.filter(({ narrowness }) => narrowness === narrow));
}

function demandOf(covers: readonly Cover[]): AuthenticationMode | undefined {
  return strongest(covers.map(({ authentication }) => authentication));
}

function strongest(
  modes: readonly (AuthenticationMode | undefined)[],
): AuthenticationMode | undefined {
  return STRENGTH.findLast((mode) => modes.includes(mode));
}
