import type { EndpointState } from "../datapath/datapath.ts";
import {
  ECHO_REPLY,
  ECHO_REQUEST,
  type Flow,
  hasPorts,
  IP_PROTOCOL,
  isIcmp,
  isTracked,
  portName,
  TCP_FLAG,
} from "./flow.ts";
import { ETHERNET_BYTES, frameOf } from "./frame.ts";
import { Opinion } from "./opinion.ts";
import type { Scenario } from "./scenario.ts";
import type { TestPacket } from "./test_packet.ts";

/** Where a packet stands in its flow. */
export type Phase = "first" | "again" | "answer";

/** TTL and hop limit of a packet that does not care. */
export const TTL = 64;

/** Ambient time at which batches begin: late enough for every lifetime to have passed once. */
export const START_OF_TIME = 100_000_000_000_000n;

/** Makes the packets of one batch, each with the opinion on it. */
export class PacketMaker {
  readonly #scenario: Scenario;
  readonly #opinion: Opinion;
  #packets: TestPacket[] = [];
  #flows = 0;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#opinion = new Opinion(scenario);
  }

  /** Packets made since {@linkcode PacketMaker.take}. */
  get count(): number {
    return this.#packets.length;
  }

  /** A source port that no other flow of this batch has, so that conntrack keeps them apart. */
  nextSourcePort(dport: number): number {
    const port = FIRST_SOURCE_PORT + this.#flows;
    // Equal ports at both ends make a pod's flow to itself its own reply.
    return port === dport ? port - FIRST_SOURCE_PORT + 1 : port;
  }

  /** Starts a flow: the packets made until the next call belong together. */
  startFlow(): void {
    this.#flows++;
  }

  /** Makes a packet and notes what must become of it. */
  add(flow: Flow, phase: Phase, ttl: number = TTL): TestPacket {
    const { state } = this.#scenario.endpoint(flow.endpoint);
    const now = START_OF_TIME + BigInt(this.#packets.length);
    const expected = this.#opinion.judge(flow, { now, ttl });
    const data = frameOf(flow, { ...macsAt(flow, state), ttl });
    const { routedTo } = expected;
    const left = routedTo === undefined ? data : routed(flow, routedTo, ttl - 1);
    const packet: TestPacket = {
      endpoint: flow.endpoint,
      hook: flow.hook,
      mark: flow.mark,
      now,
      data,
      flow: this.#flows,
      origin: { flow, phase, ttl },
      describe: () => describeFlow(this.#scenario, flow, phase),
      expected: {
        verdict: expected.verdict,
        mark: expected.mark,
        proxy: expected.proxy,
        data: left,
        events: expected.events,
        fresh: expected.fresh,
      },
    };
    this.#packets.push(packet);
    return packet;
  }

  /** Hands over the batch, and begins another with all flows forgotten. */
  take(): TestPacket[] {
    const packets = this.#packets;
    this.#packets = [];
    this.#flows = 0;
    this.#opinion.forget();
    return packets;
  }
}

/** The packet after its last hop. */
function routed(flow: Flow, { mac, nodeMac }: EndpointState, ttl: number): Uint8Array {
  const frame = frameOf(flow, { sourceMac: nodeMac, destinationMac: mac, ttl });
  const checksum = ETHERNET_BYTES + 10;
  // A checksum that is updated (RFC 1141) is never 0: its other zero is as good.
  if (flow.source.family === 4 && frame[checksum] === 0 && frame[checksum + 1] === 0) {
    frame.fill(0xff, checksum, checksum + 2);
  }
  return frame;
}

const FIRST_SOURCE_PORT = 32768;

function macsAt({ hook }: Flow, { mac, nodeMac }: EndpointState) {
  return hook === "from_container"
    ? { sourceMac: mac, destinationMac: nodeMac }
    : { sourceMac: nodeMac, destinationMac: mac };
}

/** The packet that answers a flow, where it enters; `undefined` for what has no answer. */
export function answerTo(flow: Flow, scenario: Scenario): Flow | undefined {
  const { family } = flow.source;
  if (!isTracked(flow)) return undefined;
  if (isIcmp(flow) && flow.dport !== ECHO_REQUEST[family]) return undefined;
  const target = scenario.endpointAt(flow.destination);
  const outward = flow.hook === "from_container";
  const entry = outward && target === undefined
    ? { hook: "to_container" as const, endpoint: flow.endpoint }
    : { hook: "from_container" as const, endpoint: target?.id ?? flow.endpoint };
  return {
    ...flow,
    ...entry,
    source: flow.destination,
    destination: flow.source,
    sport: isIcmp(flow) ? flow.sport : flow.dport,
    dport: isIcmp(flow) ? ECHO_REPLY[family] : hasPorts(flow) ? flow.sport : 0,
    tcpFlags: flow.protocol === IP_PROTOCOL.TCP ? TCP_FLAG.SYN | TCP_FLAG.ACK : 0,
    mark: 0,
  };
}

/** `default/xwing → default/deathstar 80/TCP (from_container of default/xwing, first packet)`. */
export function describeFlow(scenario: Scenario, flow: Flow, phase: Phase): string {
  const name = (address: Flow["source"]) => `${scenario.partyAt(address).name} (${address.text})`;
  const at = scenario.endpoint(flow.endpoint).party.name;
  const mark = flow.mark === 0 ? "" : `, mark 0x${flow.mark.toString(16)}`;
  const port = portName(flow.protocol, flow.dport);
  return `${name(flow.source)} → ${name(flow.destination)} ${port}, ` +
    `${phase} packet at ${flow.hook} of ${at}${mark}`;
}
