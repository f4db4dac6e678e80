import { addressBytes } from "../address.ts";
import { parseIpAddress } from "../../cluster/ip_address.ts";
import type { Hook } from "../../datapath/packet_batch.ts";
import { newPacket } from "../../datapath/packet_builder.ts";
import { ROW_ADDRESS, ROW_ENDPOINT } from "../row_node.ts";
import { bothWays, drop, ip, MACS, type PacketRow, patched, type RowOutcome } from "./row.ts";

const ETHERNET = 14;
const HEADER = 40;

/** Neighbour discovery is the stack's where it stays on the link; else it is any ICMPv6. */
export function neighbourRows(): PacketRow[] {
  return [...typeRows(), ...destinationRows(), ...sourceRows(), ...cutOffRows()];
}

const DISCOVERY = [133, 135, 136];
/** One that the subject may send, with neighbours of discovery. */
const TYPES = [130, 132, 133, 134, 135, 136, 137, 143];

const OWN = ROW_ADDRESS.SUBJECT[6];
const ALL_NODES = parseIpAddress("ff02::1");
const LISTENERS = parseIpAddress("ff02::16");
const LINK_LOCAL = parseIpAddress("fe80::1");

interface Message {
  readonly type: number;
  readonly ttl?: number;
  readonly source?: typeof OWN;
  readonly destination: typeof OWN;
  readonly hook?: Hook;
}

function message(
  { type, ttl = 255, source = OWN, destination, hook = "from_container" }: Message,
  becomes: RowOutcome,
): Omit<PacketRow, "description"> {
  const ends = { source: addressBytes(source), destination: addressBytes(destination) };
  const data = newPacket().eth(MACS).ipv6({ ...ends, ttl }).icmpv6({ type }).build();
  return { packets: [{ endpoint: ROW_ENDPOINT.SUBJECT, hook, data, becomes }] };
}

function typeRows(): PacketRow[] {
  return TYPES.flatMap((type) =>
    [254, 255].flatMap((ttl) => {
      const discovery = DISCOVERY.includes(type) && ttl === 255;
      const judged = type === 132 ? "pass" : drop("POLICY");
      const name = `ICMPv6 type ${type} with hop limit ${ttl}`;
      const source = ROW_ADDRESS.PEER[6];
      return [
        {
          description: `${name} to all nodes of the link`,
          ...message({ type, ttl, destination: ALL_NODES }, discovery ? "pass" : judged),
        },
        {
          description: `${name} to a link-local address`,
          ...message({ type, ttl, destination: LINK_LOCAL }, discovery ? "pass" : judged),
        },
        {
          description: `${name} to another endpoint`,
          ...message(
            { type, ttl, destination: ROW_ADDRESS.PEER[6] },
            type === 132 ? "deliver" : drop("POLICY"),
          ),
        },
        {
          description: `${name}, to the subject`,
          ...message(
            { type, ttl, source, destination: OWN, hook: "to_container" },
            discovery ? "pass" : drop("POLICY"),
          ),
        },
      ];
    })
  );
}

/** The link's own addresses, and what is next to them. */
const DESTINATIONS = [
  ["the node", ROW_ADDRESS.HOST[6], "pass"],
  ["a node far away", ROW_ADDRESS.REMOTE_NODE[6], drop("POLICY")],
  ["the world", ROW_ADDRESS.WORLD[6], drop("POLICY")],
  ["itself", OWN, drop("POLICY")],
  ["the last group of the link", parseIpAddress("ff02:ffff::1"), "pass"],
  ["a solicited node", parseIpAddress("ff02::1:ff00:2"), "pass"],
  ["the last link-local address", parseIpAddress("febf:ffff::1"), "pass"],
  ["the address before the link-local ones", parseIpAddress("fe7f:ffff::1"), drop("POLICY")],
  ["the address behind the link-local ones", parseIpAddress("fec0::1"), drop("POLICY")],
  ["multicast of the interface", parseIpAddress("ff01::1"), drop("POLICY")],
  ["multicast of the realm", parseIpAddress("ff03::1"), drop("POLICY")],
  ["multicast of the site", parseIpAddress("ff05::2"), drop("POLICY")],
] as const;

function destinationRows(): PacketRow[] {
  return DESTINATIONS.map(([name, destination, becomes]) => ({
    description: `a neighbour solicitation to ${name}`,
    ...message({ type: 135, destination }, becomes),
  }));
}

/** An endpoint asks before it has an address, and under any name that its link knows it by. */
function sourceRows(): PacketRow[] {
  return (["::", "fe80::2", "fd09:1:2:3::77"] as const).flatMap((text) => {
    const source = parseIpAddress(text);
    return [
      {
        description: `a neighbour solicitation from ${text} on the link`,
        ...message({ type: 135, source, destination: ALL_NODES }, "pass"),
      },
      {
        description: `a neighbour solicitation from ${text} to another endpoint`,
        ...message(
          { type: 135, source, destination: ROW_ADDRESS.PEER[6] },
          drop("INVALID_SIP"),
        ),
      },
      {
        description: `a multicast listener report from ${text}`,
        ...message({ type: 143, source, destination: LISTENERS }, drop("INVALID_SIP")),
      },
      {
        description: `a router advertisement from ${text}`,
        ...message({ type: 134, source, destination: ALL_NODES }, drop("INVALID_SIP")),
      },
    ];
  });
}

function cutOffRows(): PacketRow[] {
  return [0, 1, 7].flatMap((bytes) => [
    ...bothWays(`neighbour discovery of ${bytes} bytes`, (way) => {
      const frame = ip(6, way.source, way.destination, { ttl: 255 }).icmpv6({ type: 135 }).build();
      return claiming(frame.slice(0, ETHERNET + HEADER + bytes), bytes);
    }, drop("CT_INVALID_HDR")),
    ...bothWays(`neighbour discovery of 8 bytes that claims ${bytes}`, (way) => {
      const frame = ip(6, way.source, way.destination, { ttl: 255 }).icmpv6({ type: 135 }).build();
      return claiming(frame, bytes);
    }, drop("CT_INVALID_HDR")),
  ]);
}

/** With a payload length that need not be true. */
function claiming(frame: Uint8Array, length: number): Uint8Array {
  return patched(frame, [ETHERNET + 4, length >> 8], [ETHERNET + 5, length & 0xff]);
}
