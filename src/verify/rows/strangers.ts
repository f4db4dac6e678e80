import { parseIpAddress } from "../../cluster/ip_address.ts";
import { newPacket } from "../../datapath/packet_builder.ts";
import { addressBytes, type Family } from "../address.ts";
import { ROW_ADDRESS, ROW_ENDPOINT } from "../row_node.ts";
import { drop, MACS, type PacketRow, type RowOutcome, type SourcePorts } from "./row.ts";

/** Addresses that no endpoint and no node should have, or that are many at once. */
const STRANGERS = {
  4: ["0.0.0.0", "127.0.0.1", "169.254.1.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"],
  6: ["::", "::1", "::ffff:7f00:1", "fe80::9", "ff02::1", "ff05::2"],
} as const;

/** Ports of the subject, and of the world, that only the world may use. */
const WORLD_PORT = { 4: { into: 86, out: 96 }, 6: { into: 87, out: 97 } } as const;
const CLOSED = 79;

/** Who is not known is the world, whatever is odd about its address. */
export function strangerRows(ports: SourcePorts): PacketRow[] {
  return ([4, 6] as const).flatMap((family) =>
    STRANGERS[family].flatMap((text) => {
      const { into, out } = WORLD_PORT[family];
      return [
        row(family, text, "in", into, "pass", ports),
        row(family, text, "in", CLOSED, drop("POLICY"), ports),
        row(family, text, "out", out, "pass", ports),
        row(family, text, "out", CLOSED, drop("POLICY"), ports),
      ];
    })
  );
}

function row(
  family: Family,
  text: string,
  direction: "in" | "out",
  destination: number,
  becomes: RowOutcome,
  ports: SourcePorts,
): PacketRow {
  const stranger = addressBytes(parseIpAddress(text));
  const subject = addressBytes(ROW_ADDRESS.SUBJECT[family]);
  const ends = direction === "in"
    ? { source: stranger, destination: subject }
    : { source: subject, destination: stranger };
  const start = newPacket().eth(MACS);
  const packet = family === 4 ? start.ipv4(ends) : start.ipv6(ends);
  const data = packet.tcp({ source: ports.next(), destination }).build();
  const hook = direction === "in" ? "to_container" : "from_container";
  return {
    description: direction === "in"
      ? `${text} to port ${destination} of the subject`
      : `the subject to port ${destination} of ${text}`,
    packets: [{ endpoint: ROW_ENDPOINT.SUBJECT, hook, data, becomes }],
  };
}
