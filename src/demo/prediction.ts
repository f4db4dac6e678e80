/**
 * What another datapath says about the probes, before their first packet is sent.
 *
 * @module
 */
import type { Datapath } from "../datapath/datapath.ts";
import type { PacketBatch } from "../datapath/packet_batch.ts";
import { addressOfBytes } from "../verify/address.ts";
import { ECHO_REQUEST, type Flow, IP_PROTOCOL, TCP_FLAG } from "../verify/flow.ts";
import { frameOf } from "../verify/frame.ts";
import { Decisions } from "./decision.ts";
import { decodeEvents, type FlowTuple } from "./event.ts";
import { addressOf, type Probe } from "./probe.ts";
import type { EventNames } from "./sentence.ts";

const TTL = 64;
/** Prediction needs any port that is not taken; which one policy does not see. */
const ANY_SPORT = 40000;

/** The addresses, protocol and ports of a probe's first packet. */
export function flowOf(probe: Probe, sport: number): FlowTuple {
  const { source, destination, family, protocol, port } = probe;
  const icmp = family === 4 ? IP_PROTOCOL.ICMP : IP_PROTOCOL.ICMPV6;
  return {
    source: addressOfBytes(addressOf(source, family)),
    destination: addressOfBytes(addressOf(destination, family)),
    protocol: protocol === "ICMP" ? icmp : IP_PROTOCOL[protocol],
    sport,
    dport: protocol === "ICMP" ? ECHO_REQUEST[family] : port,
  };
}

/** The probe's first packet as the pod's veth carries it. */
export function firstFrame(probe: Probe, sport: number): Uint8Array {
  const flow: Flow = {
    ...flowOf(probe, sport),
    endpoint: probe.source.id,
    hook: "from_container",
    code: 0,
    tcpFlags: probe.protocol === "TCP" ? TCP_FLAG.SYN : 0,
    mark: 0,
  };
  const { mac, nodeMac } = probe.source;
  return frameOf(flow, { sourceMac: mac, destinationMac: nodeMac, ttl: TTL });
}

/**
 * Runs the first packet of each probe through a datapath and returns its decisions, to be looked
 * up by {@linkcode predictedFlow}.
 *
 * @param batch Memory of that datapath; its content is lost.
 */
export function predict(
  probes: readonly Probe[],
  { datapath, batch, names }: {
    readonly datapath: Datapath;
    readonly batch: PacketBatch;
    readonly names: Pick<EventNames, "rulesOf">;
  },
): Decisions {
  const decisions = new Decisions(names);
  for (let at = 0; at < probes.length; at += batch.capacity) {
    batch.clear();
    for (const probe of probes.slice(at, at + batch.capacity)) {
      const data = firstFrame(probe, ANY_SPORT);
      batch.add({ endpoint: probe.source.id, hook: "from_container", data });
    }
    datapath.run(batch, batch);
    for (const event of decodeEvents(datapath.drainEvents().bytes)) decisions.add(event);
  }
  return decisions;
}

/** The flow of a probe as {@linkcode predict} ran it. */
export function predictedFlow(probe: Probe): FlowTuple {
  return flowOf(probe, ANY_SPORT);
}
