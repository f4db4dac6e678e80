import type { AuthenticationMode } from "../cluster/rule_peer.ts";
import type { Cover } from "./statement.ts";

/** What a flow has to prove; `disabled` is a rule that asks for nothing, explicitly. */
const STRENGTH: readonly AuthenticationMode[] = ["disabled", "required", "test-always-fail"];

/**
 * Says which authentication counts for a flow.
 *
 * The rules that name the peer and those that are for everyone are looked at apart. On
 * each side the narrowest rule that says anything of authentication speaks for all, the
 * stronger one among equals. Then the side counts whose rules decide the flow: those that
 * ask for a proxy before those that do not, the narrower before the broader, those that
 * name the peer before those for everyone (`authPreferredInsert` in cilium v1.19
 * pkg/policy/mapstate.go, "the most specific covering key with the same ID").
 */
export function authenticationOf(covers: readonly Cover[]): AuthenticationMode | undefined {
  const named = covers.filter(({ isForEveryone }) => !isForEveryone);
  const broad = covers.filter(({ isForEveryone }) => isForEveryone);
  return spokenFor(broadDecides(named, broad) ? broad : named);
}

function broadDecides(named: readonly Cover[], broad: readonly Cover[]): boolean {
  if (broad.length === 0 || named.length === 0) return named.length === 0;
  const redirects = [named, broad].map((side) => side.some(({ l7 }) => l7 !== undefined));
  if (redirects[0] !== redirects[1]) return redirects[1] === true;
  return narrowest(broad) > narrowest(named);
}

/**
 * How narrow the rule is that decides on a side. One without proxy inside a broader one
 * with a proxy is no rule of its own, unless it says something of authentication.
 */
function narrowest(covers: readonly Cover[]): number {
  const redirects = covers.filter(({ l7 }) => l7 !== undefined);
  const deciding = redirects.length === 0
    ? covers
    : covers.filter((c) => c.l7 !== undefined || c.authentication !== undefined);
  return Math.max(...deciding.map(({ narrowness }) => narrowness));
}

function spokenFor(covers: readonly Cover[]): AuthenticationMode | undefined {
  const speaking = covers.filter(({ authentication }) => authentication !== undefined);
  const most = Math.max(...speaking.map(({ narrowness }) => narrowness));
  const modes = speaking.filter(({ narrowness }) => narrowness === most)
    .map(({ authentication }) => authentication);
  return STRENGTH.findLast((mode) => modes.includes(mode));
}
