import type { IpAddress } from "../cluster/ip_address.ts";
import { ipAddressFromWords } from "../cluster/ip_address.ts";
import type { Datapath, EndpointState, IpcacheState, NodeState } from "../datapath/datapath.ts";
import type { DatapathMemory } from "../datapath/datapath_memory.ts";
import {
  DIRECTION_EGRESS,
  DIRECTION_INGRESS,
  DROP_AUTH_REQUIRED,
  DROP_POLICY,
  DROP_POLICY_DENY,
  DROP_PROXY_LOOKUP_FAILED,
  DROP_PROXY_SET_FAILED,
  DROP_PROXY_UNKNOWN_PROTO,
  EVENT_POLICY_VERDICT,
} from "../datapath/layout.ts";
import type { PacketBatch } from "../datapath/packet_batch.ts";
import { PROTOCOL } from "../policy/map_state.ts";
import type { Policy } from "../policy/snapshot.ts";
import { addressBytes } from "../verify/address.ts";
import { EventIndex, type EventRecord } from "../verify/event_record.ts";
import { type Flow, TCP_FLAG } from "../verify/flow.ts";
import { frameOf } from "../verify/frame.ts";
import { madeUpMac } from "../verify/made_up_mac.ts";
import {
  type Answer,
  answerWithin,
  bothSides,
  type Question,
  type SideAnswer,
  type Twin,
  withoutPolicy,
} from "./answer.ts";
import type { CompiledCluster } from "./compiled_cluster.ts";
import { type PeerEntries, PolicyIndex } from "./policy_index.ts";
import type { FlowPort } from "./port_text.ts";
import { SideAnswers } from "./side_answers.ts";

/** Questions that are asked with one node: each may need an endpoint and two addresses. */
const BATCH = 512;
const TTL = 64;
/** Late enough for no lifetime to reach back to a batch before. */
const START = 1_000_000_000_000n;
const FIRST_SOURCE_PORT = 20_000;
const FIRST_IFINDEX = 100;

/** One packet, which asks one side. */
interface AskedPacket extends FlowPort {
  readonly peer: PeerEntries;
  readonly direction: "ingress" | "egress";
  readonly policy: Policy;
  readonly identity: number;
}

/**
 * Answers by packets through the programs of a datapath: for each side one that begins a
 * flow, at an endpoint with the subject's policy. Both ends have made-up addresses that the
 * node's IP cache knows by the identities in question, so that workloads and supposed pods
 * can be asked about like any other.
 */
export class PacketTwin implements Twin {
  readonly kind: "emulator" | "kernel";
  readonly #cluster: CompiledCluster;
  readonly #datapath: Datapath;
  readonly #packets: PacketBatch;
  readonly #answers: SideAnswers;
  readonly #indexes = new WeakMap<Policy, PolicyIndex>();

  /**
   * @param datapath Is this twin's alone while it lives; who made it disposes of it.
   * @param memory The memory that the datapath works in.
   */
  constructor(
    cluster: CompiledCluster,
    datapath: Datapath & Pick<PacketTwin, "kind">,
    memory: DatapathMemory,
  ) {
    this.kind = datapath.kind;
    this.#cluster = cluster;
    this.#datapath = datapath;
    this.#packets = memory.packetBatch(2 * BATCH);
    this.#answers = new SideAnswers(cluster);
  }

  async answer(questions: readonly Question[]): Promise<readonly Answer[]> {
    const answers: Answer[] = [];
    for (let at = 0; at < questions.length; at += BATCH) {
      const batch = questions.slice(at, at + BATCH);
      const asked = batch.flatMap((question) => [
        this.#ask(question, "egress"),
        this.#ask(question, "ingress"),
      ]);
      const sides = await this.#run(asked);
      for (const [i, question] of batch.entries()) {
        const egress = sides[2 * i] ?? withoutPolicy(question.source);
        const ingress = sides[2 * i + 1] ?? withoutPolicy(question.destination);
        answers.push(
          answerWithin(question) ?? bothSides(
            this.#answers.withRequest(question, egress),
            this.#answers.withRequest(question, ingress),
          ),
        );
      }
    }
    return answers;
  }

  [Symbol.dispose](): void {}

  #ask(question: Question, direction: "ingress" | "egress"): AskedPacket | undefined {
    const { source, destination, protocol, port } = question;
    const [subject, other] = direction === "egress" ? [source, destination] : [destination, source];
    const policy = this.#cluster.policyOf(subject);
    if (policy === undefined || answerWithin(question) !== undefined) return undefined;
    const identity = this.#cluster.identityOf(other, subject);
    let index = this.#indexes.get(policy);
    if (index === undefined) {
      this.#indexes.set(policy, index = new PolicyIndex(policy.mapState.entries));
    }
    const peer = index.peer(direction, identity);
    return { direction, policy, identity, peer, protocol, port };
  }

  async #run(asked: readonly (AskedPacket | undefined)[]): Promise<(SideAnswer | undefined)[]> {
    const packets = asked.filter((one) => one !== undefined);
    if (packets.length === 0) return asked.map(() => undefined);
    const policies = new Map([...new Set(packets.map(({ policy }) => policy))]
      .map((policy, i) => [policy, i + 1]));
    const peers = new Map([...new Set(packets.map(({ identity }) => identity))]
      .map((identity, i) => [identity, i + 1]));
    await this.#datapath.load(this.#nodeOf(policies, peers));
    this.#datapath.drainEvents();
    this.#packets.clear();
    for (const [i, one] of packets.entries()) {
      const endpoint = policies.get(one.policy) ?? 0;
      const flow = flowOf(one, endpoint, peers.get(one.identity) ?? 0, FIRST_SOURCE_PORT + i);
      const inward = one.direction === "ingress";
      const [sourceMac, destinationMac] = [madeUpMac(endpoint, 1), madeUpMac(endpoint, 2)];
      const link = inward
        ? { sourceMac: destinationMac, destinationMac: sourceMac, ttl: TTL }
        : { sourceMac, destinationMac, ttl: TTL };
      const now = START + BigInt(i);
      this.#packets.add({ endpoint, hook: flow.hook, data: frameOf(flow, link), now });
    }
    this.#datapath.run(this.#packets, this.#packets);
    const { bytes, lost } = this.#datapath.drainEvents();
    if (lost > 0) throw new Error(`Cannot read the verdicts of ${lost} packets: events were lost`);
    const events = new EventIndex(bytes);
    let next = 0;
    return asked.map((one) => one && this.#sideOf(one, events.at(START + BigInt(next++))));
  }

  /** One endpoint per policy, one address per peer identity. */
  #nodeOf(
    policies: ReadonlyMap<Policy, number>,
    peers: ReadonlyMap<number, number>,
  ): NodeState {
    const endpoints = [...policies].map(([{ subject }, number]): EndpointState => ({
      id: number,
      ipv4: addressBytes(endpointAddress(4, number)),
      ipv6: addressBytes(endpointAddress(6, number)),
      mac: madeUpMac(number, 1),
      nodeMac: madeUpMac(number, 2),
      ifindex: FIRST_IFINDEX + number,
      identity: subject.id,
      policy: number,
    }));
    const addresses = [...peers].flatMap(([identity, number]): IpcacheState[] =>
      ([4, 6] as const).map((family) => ({
        address: addressBytes(peerAddress(family, number)),
        identity,
      }))
    );
    const own = [...policies].flatMap(([{ subject }, number]): IpcacheState[] =>
      ([4, 6] as const).map((family) => ({
        address: addressBytes(endpointAddress(family, number)),
        identity: subject.id,
      }))
    );
    return {
      endpoints,
      identities: this.#cluster.snapshot.identities.flatMap(({ id, slot }) =>
        slot === undefined ? [] : [{ identity: id, slot }]
      ),
      ipcache: [...own, ...addresses],
      policies: [...policies].map(([{ revision, mapState }, number]) => ({
        number,
        revision,
        mapState,
      })),
      events: ["drop", "policy_verdict"],
    };
  }

  #sideOf(asked: AskedPacket, events: readonly EventRecord[]): SideAnswer {
    const direction = asked.direction === "egress" ? DIRECTION_EGRESS : DIRECTION_INGRESS;
    const event = events.find((one) =>
      one.direction === direction &&
      (one.type === EVENT_POLICY_VERDICT || POLICY_DROPS.includes(one.reason))
    );
    if (event === undefined) {
      const { protocol, port } = asked;
      throw new RangeError(
        `Cannot ask the ${this.kind} about port ${port} of protocol ${protocol}: no verdict came, ` +
          `expected a flow that policy is asked about`,
      );
    }
    return this.#answers.sideOf(asked.peer, asked, event.verdict, event.cookie);
  }
}

/** Drops that policy gives; a redirect is one where no proxy listens. */
const POLICY_DROPS: readonly number[] = [
  DROP_POLICY,
  DROP_POLICY_DENY,
  DROP_AUTH_REQUIRED,
  DROP_PROXY_LOOKUP_FAILED,
  DROP_PROXY_SET_FAILED,
  DROP_PROXY_UNKNOWN_PROTO,
];

function flowOf(
  { direction, protocol, port }: AskedPacket,
  endpoint: number,
  peer: number,
  sport: number,
): Flow {
  const family = protocol === PROTOCOL.ICMPV6 ? 6 : 4;
  const [own, other] = [endpointAddress(family, endpoint), peerAddress(family, peer)];
  const inward = direction === "ingress";
  return {
    endpoint,
    hook: inward ? "to_container" : "from_container",
    source: inward ? other : own,
    destination: inward ? own : other,
    protocol,
    sport: sport === port ? sport - BATCH * 2 : sport,
    dport: port,
    code: 0,
    tcpFlags: protocol === PROTOCOL.TCP ? TCP_FLAG.SYN : 0,
    mark: 0,
  };
}

/** Addresses for benchmarks (RFC 2544), and unique local ones, for endpoints. */
function endpointAddress(family: 4 | 6, number: number): IpAddress {
  return family === 4
    ? ipAddressFromWords(4, [(0xc6120000 + number) >>> 0, 0, 0, 0])
    : ipAddressFromWords(6, [0xfd000000, 0, 1, number]);
}

/** The same for peers, none of which is an endpoint. */
function peerAddress(family: 4 | 6, number: number): IpAddress {
  return family === 4
    ? ipAddressFromWords(4, [(0xc6130000 + number) >>> 0, 0, 0, 0])
    : ipAddressFromWords(6, [0xfd000000, 0, 2, number]);
}
