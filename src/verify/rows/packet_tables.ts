import type { RowNodeName } from "../row_node.ts";
import { aggregationRows } from "./aggregation.ts";
import { auditRows } from "./audit.ts";
import { conntrackRows } from "./conntrack.ts";
import { crowdRows } from "./crowd.ts";
import { extensionRows } from "./extensions.ts";
import { fragmentRows } from "./fragments.ts";
import { ipv4Rows } from "./ipv4.ts";
import { ipv6Rows } from "./ipv6.ts";
import { judgedAgainRows } from "./judged_again.ts";
import { linkRows } from "./link.ts";
import { neighbourRows } from "./neighbours.ts";
import { protocolRows } from "./protocols.ts";
import { quoteRows } from "./quotes.ts";
import { receiverRows } from "./receivers.ts";
import { redirectRows } from "./redirects.ts";
import { relatedRows } from "./related.ts";
import { type PacketRow, SourcePorts } from "./row.ts";
import { senderRows } from "./sender.ts";
import { strangerRows } from "./strangers.ts";

/** Rows of the packet table that run on one node. */
export interface PacketTable {
  readonly node: RowNodeName;
  readonly rows: readonly PacketRow[];
}

/** The whole packet table; the same rows in the same order every time. */
export function packetTables(): PacketTable[] {
  const ports = new SourcePorts();
  return [
    {
      node: "usual",
      rows: [
        ...linkRows(ports),
        ...ipv4Rows(ports),
        ...ipv6Rows(ports),
        ...neighbourRows(),
        ...extensionRows(ports),
        ...fragmentRows(ports),
        ...protocolRows(),
        ...receiverRows(ports),
        ...senderRows(ports),
        ...strangerRows(ports),
        ...crowdRows(ports),
        ...conntrackRows(ports),
        ...judgedAgainRows(ports),
        ...relatedRows(ports),
        ...quoteRows(ports),
        ...redirectRows(ports),
      ],
    },
    { node: "audited", rows: auditRows(ports) },
    { node: "aggregating", rows: aggregationRows(ports) },
  ];
}
