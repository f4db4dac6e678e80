import { canonicalKey } from "../../src/identity/label.ts";
import { formatOrigin } from "../../src/policy/cookie.ts";
import type { MapStateEntry } from "../../src/policy/map_state.ts";
import type { PolicySnapshot } from "../../src/policy/snapshot.ts";

/** A snapshot without the numbers that depend on the way that led to it. */
export function contentOf(snapshot: PolicySnapshot) {
  const nameOf = new Map(
    snapshot.identities.map(({ id, labels, prefixes = [] }) => [
      id,
      canonicalKey(labels) + prefixes.map(({ text }) => ` ${text}`).join(""),
    ]),
  );
  const identity = (id: number) => id === 0 ? "any" : nameOf.get(id) ?? `unknown ${id}`;
  const entryText = ({ identity: id, cookie, redirect, ...entry }: MapStateEntry) =>
    JSON.stringify({
      ...entry,
      identity: identity(id),
      rules: snapshot.rulesOf(cookie)?.map(formatOrigin),
      redirect: redirect === undefined ? undefined : withoutId(snapshot, redirect),
    });
  const policyText = (number: number) => {
    const policy = snapshot.policy(number);
    return {
      enforced: policy?.enforced,
      host: policy?.host,
      entries: policy?.mapState.entries.map(entryText).sort(),
    };
  };
  return {
    identities: [...nameOf.values()].sort(),
    ipcache: snapshot.ipcache.map((e) =>
      `${e.address.text}/${e.prefixLength ?? ""} ${identity(e.identity)}`
    ).sort(),
    endpoints: snapshot.endpoints.map((endpoint) => ({
      name: `${endpoint.namespace}/${endpoint.name}`,
      identity: identity(endpoint.identity),
      policy: policyText(endpoint.policy),
    })).sort((a, b) => a.name < b.name ? -1 : 1),
    hosts: snapshot.hosts.map(({ name, policy }) => ({ name, policy: policyText(policy) })),
    policies: snapshot.policies.length,
    slots: snapshot.identities.every(({ slot }) => slot !== undefined),
    problems: snapshot.problems.map(({ message }) => message).sort(),
  };
}

function withoutId(snapshot: PolicySnapshot, id: number) {
  const { id: _, ...redirect } = snapshot.redirectOf(id) ?? { id };
  return redirect;
}
