/** The map state, read by the reference lookup, says what the rules say. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { RESERVED } from "../../src/identity/reserved.ts";
import { compileCluster } from "../../src/policy/compile_cluster.ts";
import { formatOrigin } from "../../src/policy/cookie.ts";
import { explain, lookup } from "../../src/policy/lookup.ts";
import type { Policy, PolicySnapshot } from "../../src/policy/snapshot.ts";
import { evaluateSide, type SideVerdict } from "../../src/spec/evaluate.ts";
import { type Peer, podPeer, reservedPeer } from "../../src/spec/peer.ts";
import { boundaryPorts, mustHold, type World, world } from "./_random.ts";

const PROTOCOLS = [6, 17, 132, 1, 58, 47];

interface End {
  readonly title: string;
  readonly peer: Peer;
  readonly identity: number;
  readonly policy: Policy | undefined;
}

Deno.test("resolvePolicy() agrees with the naive evaluator for every pair, protocol and port", async () => {
  let flows = 0;
  let denied = 0;
  await mustHold(
    fc.asyncProperty(world, async (w) => {
      const snapshot = await compileCluster([...w.namespaces, ...w.pods, ...w.policies]);
      const ends = endsOf(w, snapshot);
      for (const subject of ends) {
        if (subject.policy === undefined) continue;
        for (const peer of ends) {
          for (const protocol of PROTOCOLS) {
            for (const port of boundaryPorts(w.policies)) {
              for (const direction of ["ingress", "egress"] as const) {
                const want = wanted(w, subject, peer, direction, protocol, port);
                const got = compiled(subject.policy, peer, direction, protocol, port);
                flows++;
                if (want.verdict === "deny") denied++;
                if (JSON.stringify(got) === JSON.stringify(want)) continue;
                const flow = `${subject.title} ${direction} ${peer.title} ${protocol}/${port}`;
                assertEquals(got, want, flow);
              }
            }
          }
        }
      }
    }),
    150,
  );
  // A generator that allows or denies everything would prove nothing.
  console.log(`${flows} flows, ${denied} denied`);
  assertEquals(denied > flows / 20 && denied < flows * 19 / 20, true);
});

Deno.test("explain() names the same rules as the naive evaluator, lookup() some of them", async () => {
  await mustHold(
    fc.asyncProperty(world, async (w) => {
      const snapshot = await compileCluster([...w.namespaces, ...w.pods, ...w.policies]);
      const ends = endsOf(w, snapshot);
      for (const subject of ends) {
        const { policy } = subject;
        if (policy === undefined) continue;
        for (const peer of ends) {
          for (const port of boundaryPorts(w.policies)) {
            const spec = evaluateSide(w.policies, {
              source: peer.peer,
              destination: subject.peer,
              protocol: 6,
              port,
            }, "ingress");
            const all = new Set(spec.rules.map(formatOrigin));
            const named = explain(policy.mapState, peer.identity, "ingress", 6, port)
              .flatMap((entry) => snapshot.rulesOf(entry.cookie) ?? []).map(formatOrigin);
            assertEquals(new Set(named), all);
            const found = lookup(policy.mapState, peer.identity, "ingress", 6, port);
            const cookie = "entry" in found ? found.entry.cookie : 0;
            const some = (snapshot.rulesOf(cookie) ?? []).map(formatOrigin);
            assertEquals(some.filter((origin) => !all.has(origin)), []);
          }
        }
      }
    }),
    60,
  );
});

function endsOf(w: World, snapshot: PolicySnapshot): End[] {
  const pods = w.pods.map((pod): End => {
    const namespace = w.namespaces.find(({ name }) => name === pod.namespace);
    const endpoint = snapshot.endpoints.find(({ name }) => name === pod.name);
    return {
      title: pod.name,
      peer: podPeer(pod, namespace),
      identity: endpoint?.identity ?? RESERVED.HOST,
      policy: snapshot.policies.find(({ number }) => number === endpoint?.policy),
    };
  });
  const reserved = (title: string, identity: number): End => ({
    title,
    peer: reservedPeer(title),
    identity,
    policy: undefined,
  });
  return [
    ...pods,
    reserved("host", RESERVED.HOST),
    reserved("remote-node", RESERVED.REMOTE_NODE),
    reserved("world-ipv4", RESERVED.WORLD_IPV4),
  ];
}

type Answer = Pick<SideVerdict, "verdict" | "enforced"> & { readonly reason: number | undefined };

function wanted(
  { policies }: World,
  subject: End,
  peer: End,
  direction: "ingress" | "egress",
  protocol: number,
  port: number,
): Answer {
  const [source, destination] = direction === "ingress"
    ? [peer.peer, subject.peer]
    : [subject.peer, peer.peer];
  const side = evaluateSide(policies, { source, destination, protocol, port }, direction);
  return { verdict: side.verdict, enforced: side.enforced, reason: side.reason };
}

function compiled(
  policy: Policy,
  peer: End,
  direction: "ingress" | "egress",
  protocol: number,
  port: number,
): Answer {
  const found = lookup(policy.mapState, peer.identity, direction, protocol, port);
  return {
    verdict: found.verdict === "deny" ? "deny" : "allow",
    enforced: policy.enforced[direction],
    reason: found.verdict === "deny" ? found.reason : undefined,
  };
}
