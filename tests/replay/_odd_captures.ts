/**
 * Small odd captures without end: flows between pods and the world, then bytes changed, frames cut
 * off, lengths that lie, written in every format and with every link type.
 *
 * @module
 */
import type { EndpointState } from "../../src/datapath/datapath.ts";
import { newPacket, type PacketBuilder } from "../../src/datapath/packet_builder.ts";
import { LINK_TYPE } from "../../src/pcap/link_type.ts";
import type { Random } from "../../src/verify/random.ts";
import { pcapFile, Pcapng } from "../pcap/_captures.ts";

const WORLD4 = Uint8Array.of(198, 51, 100, 7);
const WORLD6 = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7);
const PORTS = [80, 8080, 8095, 123, 53, 2000, 443, 0, 65535];
const ODD_BYTES = [0, 1, 4, 5, 6, 17, 44, 0x45, 0x4f, 0x60, 0x7f, 0x80, 0xff];

type Addresses = { readonly source: Uint8Array; readonly destination: Uint8Array };

/** One capture of up to eight packets. */
export function oddCapture(random: Random, pods: readonly EndpointState[]): Uint8Array {
  const frames = Array.from({ length: 1 + random.below(8) }, () => oddFrame(random, pods));
  return written(random, frames);
}

function oddFrame(random: Random, pods: readonly EndpointState[]): Uint8Array {
  const frame = transport(random, network(random, pods)).build();
  for (let i = random.below(4); i > 0; i--) {
    frame[random.below(frame.length)] = random.below(2)
      ? random.pick(ODD_BYTES)
      : random.below(256);
  }
  switch (random.below(6)) {
    case 0:
      return frame.slice(0, random.below(frame.length + 1));
    case 1: {
      const longer = new Uint8Array(frame.length + random.below(400));
      longer.set(frame);
      return longer;
    }
    default:
      return frame;
  }
}

function network(random: Random, pods: readonly EndpointState[]): PacketBuilder {
  const builder = random.below(8) === 0
    ? newPacket().eth().vlan(random.below(4096))
    : newPacket().eth();
  if (random.below(2) === 0) {
    const options = random.below(4) === 0 ? { options: new Uint8Array(4 * random.below(11)) } : {};
    const fragment = random.below(3) === 0
      ? { id: random.below(3), fragment: random.pick([0x2000, 0x2001, 1, 100, 0x1fff]) }
      : {};
    const ends = addresses(random, pods.map(({ ipv4 }) => ipv4), WORLD4);
    return builder.ipv4({ ...ends, ttl: random.pick([64, 1, 0, 255]), ...options, ...fragment });
  }
  const ends = addresses(random, pods.map(({ ipv6 }) => ipv6), WORLD6);
  let packet = builder.ipv6({ ...ends, ttl: random.pick([64, 1, 0, 255]) });
  for (let i = random.below(4); i > 0; i--) packet = extension(random, packet);
  return packet;
}

function extension(random: Random, packet: PacketBuilder): PacketBuilder {
  switch (random.below(5)) {
    case 0:
      return packet.extension("hopByHop");
    case 1:
      return packet.extension("routing", { segmentsLeft: random.below(2) });
    case 2:
      return packet.extension("destination", { bytes: 8 * (1 + random.below(3)) });
    case 3:
      return packet.extension("authentication", { bytes: 12 + 4 * random.below(3) });
    default: {
      const offset = random.pick([0, 0, 1, 100]);
      return packet.fragment({ offset, more: random.below(2) === 0, id: random.below(3) });
    }
  }
}

function addresses(
  random: Random,
  pods: readonly (Uint8Array | undefined)[],
  world: Uint8Array,
): Addresses {
  const all = [...pods.filter((address) => address !== undefined), world];
  return { source: random.pick(all), destination: random.pick(all) };
}

function transport(random: Random, packet: PacketBuilder): PacketBuilder {
  const ends = { source: random.pick([40000, 40001, 80]), destination: random.pick(PORTS) };
  const flags = random.pick(
    [["SYN"], ["SYN", "ACK"], ["ACK"], ["FIN", "ACK"], ["RST"], []] as const,
  );
  switch (random.below(7)) {
    case 0:
      return packet.udp(ends).payload(new Uint8Array(random.below(32)));
    case 1:
      return packet.sctp(ends);
    case 2:
      return packet.icmp({ type: random.pick([0, 3, 8, 11, 13]), code: random.below(6) });
    case 3:
      return packet.icmpv6({
        type: random.pick([1, 2, 128, 129, 135, 136]),
        code: random.below(3),
      });
    case 4:
      return packet.payload(new Uint8Array(random.below(24)));
    default:
      return packet.tcp({ ...ends, flags: [...flags] });
  }
}

function written(random: Random, frames: readonly Uint8Array[]): Uint8Array {
  const littleEndian = random.below(2) === 0;
  const cooked = random.below(4) === 0;
  const linkType = cooked ? LINK_TYPE.LINUX_SLL : LINK_TYPE.ETHERNET;
  const packets = cooked ? frames.map(cookedFrame) : frames;
  if (random.below(2) === 0) {
    const magic = random.pick([0xa1b2c3d4, 0xa1b23c4d]);
    const records = packets.map((data) => ({
      data,
      seconds: random.below(200),
      ticks: random.below(1000),
      original: data.length + (random.below(4) === 0 ? random.below(1500) : 0),
    }));
    return pcapFile(records, { littleEndian, magic, linkType });
  }
  const file = new Pcapng(littleEndian).section().interface(linkType, random.pick([0, 96]));
  for (const data of packets) {
    if (random.below(4) === 0) file.simple(data.subarray(0, 96));
    else file.enhanced(data, { time: BigInt(random.below(200_000_000)) });
  }
  return file.take();
}

function cookedFrame(frame: Uint8Array): Uint8Array {
  return Uint8Array.from([0, 0, 0, 1, 0, 6, ...frame.subarray(6, 12), 0, 0, ...frame.subarray(12)]);
}
