import { conntrackRows } from "./conntrack.ts";
import { ipv4Rows } from "./ipv4.ts";
import { ipv6Rows } from "./ipv6.ts";
import { linkRows } from "./link.ts";
import { type PacketRow, SourcePorts } from "./row.ts";
import { senderRows } from "./sender.ts";

/** The whole packet table; the same rows in the same order every time. */
export function allRows(): PacketRow[] {
  const ports = new SourcePorts();
  return [
    ...linkRows(ports),
    ...ipv4Rows(ports),
    ...ipv6Rows(ports),
    ...senderRows(ports),
    ...conntrackRows(ports),
  ];
}
