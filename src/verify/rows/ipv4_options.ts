import { newPacket } from "../../datapath/packet_builder.ts";
import {
  between,
  bothWays,
  drop,
  MACS,
  type PacketRow,
  type RowOutcome,
  type SourcePorts,
} from "./row.ts";

const NOOP = 1;
const RECORD_ROUTE = 7;
const TIMESTAMP = 68;
const SECURITY = 130;
const LOOSE_ROUTE = 131;
const STRICT_ROUTE = 137;
const ROUTER_ALERT = 148;

type OptionRow = readonly [name: string, options: readonly number[], RowOutcome | "allowed"];

const INVALID = drop("INVALID");

/** Each filled up with zeros, which end the options, to a multiple of 4 bytes. */
const OPTIONS: readonly OptionRow[] = [
  ["a loose source route", [LOOSE_ROUTE, 7, 4, 10, 9, 0, 3], INVALID],
  ["a strict source route", [STRICT_ROUTE, 7, 4, 10, 9, 0, 3], INVALID],
  ["a source route that is used up", [LOOSE_ROUTE, 7, 8, 10, 9, 0, 3], INVALID],
  ["a source route of no address", [STRICT_ROUTE, 3, 4, 0], INVALID],
  ["a source route behind others", [NOOP, ROUTER_ALERT, 4, 0, 0, LOOSE_ROUTE, 3, 4], INVALID],
  ["a source route as the last byte", [NOOP, NOOP, NOOP, STRICT_ROUTE], INVALID],
  [
    "a source route as the last of 40 bytes",
    [...new Array(39).fill(NOOP), STRICT_ROUTE],
    INVALID,
  ],
  ["the number of a source route in another option", [TIMESTAMP, 4, LOOSE_ROUTE, 0], "allowed"],
  ["the number of a source route behind the end", [NOOP, 0, LOOSE_ROUTE, 3], "allowed"],
  ["the numbers beside those of source routes", [SECURITY, 2, 132, 2, 136, 2, 138, 2], "allowed"],
  ["a record of the route", [RECORD_ROUTE, 39, 4, ...new Array(36).fill(0), NOOP], "allowed"],
  ["a router alert", [ROUTER_ALERT, 4, 0, 0], "allowed"],
  ["an option that fills the header", [SECURITY, 40, ...new Array(38).fill(9)], "allowed"],
  ["an option of 0 bytes", [SECURITY, 0, 0, 0], INVALID],
  ["an option of 1 byte", [SECURITY, 1, 0, 0], INVALID],
  ["an option that ends behind the header", [NOOP, SECURITY, 4, 0], INVALID],
  ["an option without a length", [NOOP, NOOP, NOOP, SECURITY], INVALID],
  ["an option of 255 bytes", [SECURITY, 255, ...new Array(38).fill(0)], INVALID],
];

/** IPv4 options are skipped, but for source routes and lies. */
export function ipv4OptionRows(ports: SourcePorts): PacketRow[] {
  return OPTIONS.flatMap(([name, bytes, becomes]) => {
    const options = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
    options.set(bytes);
    return bothWays(
      `IPv4 with ${name} for options`,
      (way) =>
        newPacket().eth(MACS).ipv4({ ...between(4, way.source, way.destination), options })
          .tcp({ source: ports.next(), destination: way.port }).build(),
      becomes,
    );
  });
}
