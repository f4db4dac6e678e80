/**
 * The flip test: two policies take turns while workers run packets, and every event must be
 * wholly of one of them.
 */
import type { NodeState, PolicyState } from "../../src/datapath/datapath.ts";
import type { EmulatorPool } from "../../src/datapath/emulator_pool.ts";
import {
  EVENT_COOKIE_OFF,
  EVENT_DPORT_OFF,
  EVENT_MATCH_TYPE_OFF,
  EVENT_REASON_OFF,
  EVENT_REVISION_OFF,
  EVENT_SIZE,
  EVENT_VERDICT_OFF,
  PACKET_OK,
  PACKET_SHOT,
} from "../../src/datapath/layout.ts";
import { newPacket } from "../../src/datapath/packet_builder.ts";
import type { MapState } from "../../src/policy/map_state.ts";
import { canonical, entry } from "./_map_state.ts";

const ENDPOINT = 1;
const POLICY = 1;
const PEER = 300;
/** ICMP types that belong to no flow: policy decides on each packet, and an event tells. */
const TYPES = [13, 15, 17, 40, 41, 42, 43, 44];
/** Packets that one worker has in a round; each raises one event. */
const PACKETS = 8192;
const source = Uint8Array.of(10, 1, 0, 1);
const peerAddress = (host: number) => Uint8Array.of(10, 2, 0, host);

/** Whether a policy allows a type: the two agree on none. */
function allows(policy: number, kind: number): boolean {
  return kind % 2 === policy;
}

/** Cookies say policy and type. */
function cookieOf(policy: number, kind: number): number {
  return 1000 * (policy + 1) + kind;
}

/** Policy 0 or 1. The second names the peer, so that match types differ as well. */
function mapStateOf(policy: number): MapState {
  return canonical(TYPES.map((type, kind) =>
    entry({
      identity: policy === 0 ? 0 : PEER,
      direction: "egress",
      protocol: 1,
      port: type,
      portPrefix: 16,
      verdict: allows(policy, kind) ? "allow" : "deny",
      cookie: cookieOf(policy, kind),
    })
  ));
}

const MAP_STATES = [mapStateOf(0), mapStateOf(1)] as const;
/** Numbers of bpf/consts.h, written out: the test must not share a mistake. */
const [ALLOW, DENY, DROP_POLICY_DENY, MATCH_L3_L4, MATCH_L4] = [1, 2, 181, 2, 3];

function policyOf(revision: number): PolicyState {
  return { number: POLICY, revision, mapState: MAP_STATES[revision & 1 ? 1 : 0] };
}

function nodeState(): NodeState {
  return {
    endpoints: [{
      id: ENDPOINT,
      ipv4: source,
      mac: Uint8Array.of(2, 0, 0, 0, 0, 1),
      nodeMac: Uint8Array.of(2, 0, 0, 0, 1, 1),
      ifindex: 11,
      identity: 301,
      policy: POLICY,
    }],
    identities: [{ identity: PEER, slot: 256 }, { identity: 301, slot: 257 }],
    ipcache: Array.from({ length: 200 }, (_, i) => ({ address: peerAddress(i), identity: PEER })),
    policies: [policyOf(0)],
  };
}

/** What a run of flips has seen. */
export interface FlipReport {
  readonly flips: number;
  readonly packets: number;
  /** Pairs of neighbouring packets between which the policy has changed. */
  readonly changes: number;
  /** Packets by the policy that judged them. */
  readonly judged: readonly [number, number];
  /** What was wrong, the first few of each round. */
  readonly mixed: readonly string[];
}

/** The event and the verdict of one packet that policy `revision & 1` should have given. */
function wrong(event: DataView, at: number, kind: number, verdict: number): string | undefined {
  const policy = event.getUint32(at + EVENT_REVISION_OFF, true) & 1;
  const allowed = allows(policy, kind);
  const expected = [
    cookieOf(policy, kind),
    TYPES[kind],
    allowed ? ALLOW : DENY,
    allowed ? 0 : DROP_POLICY_DENY,
    policy === 0 ? MATCH_L4 : MATCH_L3_L4,
    allowed ? PACKET_OK : PACKET_SHOT,
  ];
  const actual = [
    event.getUint32(at + EVENT_COOKIE_OFF, true),
    event.getUint16(at + EVENT_DPORT_OFF),
    event.getUint8(at + EVENT_VERDICT_OFF),
    event.getUint8(at + EVENT_REASON_OFF),
    event.getUint8(at + EVENT_MATCH_TYPE_OFF),
    verdict,
  ];
  if (actual.every((value, i) => value === expected[i])) return undefined;
  return `policy ${policy}: cookie, type, verdict, reason, match, result ${actual}, expected ${expected}`;
}

/**
 * Flips `flips` times, and until workers have met `changes` of them within a batch; each flip
 * builds an image, swaps it in and retires the one of before, while every worker runs packets.
 *
 * @param onRound Told how many flips are done.
 */
export function flipPolicies(
  pool: EmulatorPool,
  wanted: { readonly flips: number; readonly changes: number },
  onRound: (done: number) => void = () => {},
): FlipReport {
  pool.load(nodeState());
  const workers = Array.from({ length: pool.workers }, (_, i) => i);
  const batches = workers.map(() => {
    const batch = pool.memory.packetBatch(PACKETS);
    for (let i = 0; i < PACKETS; i++) {
      const packet = newPacket().eth().ipv4({ source, destination: peerAddress(i % 200) });
      const type = TYPES[i % TYPES.length]!;
      batch.add({
        endpoint: ENDPOINT,
        hook: "from_container",
        data: packet.icmp({ type }).build(),
      });
    }
    return batch;
  });

  const judged: [number, number] = [0, 0];
  const mixed: string[] = [];
  let [done, packets, changes] = [0, 0, 0];
  while (done < wanted.flips || changes < wanted.changes) {
    for (const worker of workers) pool.begin(worker, batches[worker]!);
    do pool.replacePolicy(policyOf(++done)); while (!pool.idle());
    pool.wait();
    const { bytes, lost } = pool.drainEvents();
    if (lost > 0 || bytes.length !== workers.length * PACKETS * EVENT_SIZE) {
      mixed.push(`${bytes.length / EVENT_SIZE} events, ${lost} lost`);
    }
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < bytes.length / EVENT_SIZE; i++) {
      const [worker, packet] = [Math.floor(i / PACKETS), i % PACKETS];
      const at = i * EVENT_SIZE;
      const fault = wrong(view, at, packet % TYPES.length, batches[worker]!.verdict(packet));
      if (fault && mixed.length < 10) mixed.push(`flip ${done}, packet ${packet}: ${fault}`);
      const revision = view.getUint32(at + EVENT_REVISION_OFF, true);
      judged[revision & 1 ? 1 : 0]++;
      if (packet === 0) continue;
      const before = view.getUint32(at - EVENT_SIZE + EVENT_REVISION_OFF, true);
      if (before > revision) mixed.push(`revision ${revision} after ${before}`);
      if (before !== revision) changes++;
    }
    packets += workers.length * PACKETS;
    onRound(done);
  }
  return { flips: done, packets, changes, judged, mixed };
}
