import { newPacket } from "../../datapath/packet_builder.ts";
import { addressBytes, type Family } from "../address.ts";
import { CROWD_BLOCKS, CROWD_SIZE, crowdAddress, crowdIdentity } from "../row_crowd.ts";
import { ROW_IDENTITY } from "../row_identity.ts";
import { ROW_ADDRESS, ROW_ENDPOINT } from "../row_node.ts";
import { drop, MACS, type PacketRow, type SourcePorts } from "./row.ts";

/** Senders in blocks of the ipcache: each is who it is, and not who stands in another cell. */
export function crowdRows(ports: SourcePorts): PacketRow[] {
  return ([4, 6] as const).flatMap((family) =>
    blocksOf(family).flatMap((block) =>
      Array.from({ length: CROWD_SIZE }, (_, member) => row(family, block, member, ports))
    )
  );
}

/** The first, the last, and those around the middle. */
function blocksOf(family: Family): number[] {
  const count = CROWD_BLOCKS[family];
  const middle = count / 2;
  return [0, 1, 2, middle - 1, middle, middle + 1, count - 2, count - 1];
}

function row(family: Family, block: number, member: number, ports: SourcePorts): PacketRow {
  const address = crowdAddress(family, block, member);
  const ends = {
    source: addressBytes(address),
    destination: addressBytes(ROW_ADDRESS.SUBJECT[family]),
  };
  const start = newPacket().eth(MACS);
  const packet = family === 4 ? start.ipv4(ends) : start.ipv6(ends);
  const isPeer = crowdIdentity(block, member) === ROW_IDENTITY.PEER;
  return {
    description: `IPv${family} from one of a crowd, ${member} of block ${block}`,
    packets: [{
      endpoint: ROW_ENDPOINT.SUBJECT,
      hook: "to_container",
      data: packet.tcp({ source: ports.next(), destination: 80 }).build(),
      becomes: isPeer ? "pass" : drop("POLICY"),
    }],
  };
}
