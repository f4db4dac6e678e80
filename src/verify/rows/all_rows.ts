import { conntrackRows } from "./conntrack.ts";
import { extensionRows } from "./extensions.ts";
import { fragmentRows } from "./fragments.ts";
import { ipv4Rows } from "./ipv4.ts";
import { ipv6Rows } from "./ipv6.ts";
import { linkRows } from "./link.ts";
import { protocolRows } from "./protocols.ts";
import { relatedRows } from "./related.ts";
import { type PacketRow, SourcePorts } from "./row.ts";
import { senderRows } from "./sender.ts";

/** The whole packet table; the same rows in the same order every time. */
export function allRows(): PacketRow[] {
  const ports = new SourcePorts();
  return [
    ...linkRows(ports),
    ...ipv4Rows(ports),
    ...ipv6Rows(ports),
    ...extensionRows(ports),
    ...fragmentRows(ports),
    ...protocolRows(),
    ...senderRows(ports),
    ...conntrackRows(ports),
    ...relatedRows(ports),
  ];
}
