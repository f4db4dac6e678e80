import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  DROP_AUTH_REQUIRED,
  DROP_POLICY,
  DROP_POLICY_DENY,
  LPM_POLICY_ENTRY_AUTH_OFF,
  LPM_POLICY_ENTRY_SIZE,
  LPM_POLICY_EXPLICIT_AUTH,
} from "../../src/datapath/layout.ts";
import { LpmPolicy } from "../../src/datapath/lpm_policy.ts";
import { encodeLpmPolicy, type LpmPolicyBytes } from "../../src/datapath/lpm_policy_map.ts";
import { lookup } from "../../src/policy/lookup.ts";
import { type Direction, type MapState, PROTOCOL } from "../../src/policy/map_state.ts";
import {
  boundaryKeys,
  canonical,
  entry,
  IDENTITIES,
  randomMapState,
  seeded,
  STRANGER,
  withOwnCookies,
} from "./_map_state.ts";

const noProxy = () => 0;

/** What the reference says, in the words of a policy map. */
function expected(
  mapState: MapState,
  identity: number,
  direction: Direction,
  key: number,
): { reason: number; cookie: number | undefined; matchType: number } {
  const result = lookup(mapState, identity, direction, key >> 16, key & 0xFFFF);
  if (!("entry" in result)) return { reason: DROP_POLICY, cookie: undefined, matchType: 0 };
  const { entry, matchType } = result;
  const allowed = entry.authType === 0 ? 0 : DROP_AUTH_REQUIRED;
  const reason = result.verdict === "deny" ? DROP_POLICY_DENY : allowed;
  return { reason, cookie: entry.cookie, matchType };
}

Deno.test("LpmPolicy.decide() says what lookup() says, at every boundary", () => {
  fc.assert(
    fc.property(randomMapState(40), (random) => {
      const mapState = withOwnCookies(random);
      const policy = new LpmPolicy(encodeLpmPolicy(mapState.entries, noProxy));
      const keys = boundaryKeys(mapState).filter((key) => key >> 16 !== PROTOCOL.ANY);
      for (const direction of ["ingress", "egress"] as const) {
        for (const identity of [...IDENTITIES, STRANGER]) {
          for (const key of keys) {
            const { reason, entry, matchType } = policy
              .decide(identity, direction, key >> 16, key & 0xFFFF);
            assertEquals(
              { reason, cookie: entry?.cookie, matchType },
              expected(mapState, identity, direction, key),
              `${direction} ${identity} ${key}`,
            );
          }
        }
      }
    }),
    seeded(100),
  );
});

Deno.test("LpmPolicy.decide() judges a peer of whom nothing is known by the broad entries", () => {
  const { entries } = canonical([
    entry({ protocol: 6, port: 80, portPrefix: 16, cookie: 1 }),
    entry({ identity: 300, cookie: 2 }),
  ]);
  const policy = new LpmPolicy(encodeLpmPolicy(entries, noProxy));
  const decision = policy.decide(0, "ingress", 6, 80);
  assertEquals([decision.reason, decision.entry?.cookie, decision.matchType], [0, 1, 3]);
  assertEquals(policy.decide(0, "ingress", 6, 81).reason, DROP_POLICY);
});

/** The bytes as Cilium writes them where no rule spells authentication out. */
function withoutExplicitAuth({ keys, values }: LpmPolicyBytes, index: number) {
  const changed = values.slice();
  const at = index * LPM_POLICY_ENTRY_SIZE + LPM_POLICY_ENTRY_AUTH_OFF;
  changed[at] = (changed[at] ?? 0) & ~LPM_POLICY_EXPLICIT_AUTH;
  return { keys, values: changed };
}

Deno.test("LpmPolicy.decide() inherits authentication where no rule spells it out", () => {
  const { entries } = canonical([
    entry({ protocol: 6, port: 80, portPrefix: 12, authType: 1 }),
    entry({ identity: 300, protocol: 6, port: 80, portPrefix: 16 }),
  ]);
  const bytes = encodeLpmPolicy(entries, noProxy);
  const own = entries.findIndex(({ identity }) => identity === 300);
  const reasonOf = (policy: LpmPolicy) => policy.decide(300, "ingress", 6, 80).reason;
  assertEquals(reasonOf(new LpmPolicy(bytes)), 0);
  assertEquals(reasonOf(new LpmPolicy(withoutExplicitAuth(bytes, own))), DROP_AUTH_REQUIRED);
});
