import { newPacket } from "../../datapath/packet_builder.ts";
import { addressBytes, type Family } from "../address.ts";
import { CROWD_BLOCKS, CROWD_SIZE, crowdAddress, crowdIdentity } from "../row_crowd.ts";
import { ROW_IDENTITY } from "../row_identity.ts";
import { ROW_ADDRESS, ROW_ENDPOINT } from "../row_node.ts";
import { drop, MACS, type PacketRow, type SourcePorts } from "./row.ts";

/** Peers in blocks of the ipcache: each is who it is, and not who stands in another cell. */
export function crowdRows(ports: SourcePorts): PacketRow[] {
  return ([4, 6] as const).flatMap((family) =>
    blocksOf(family).flatMap((block) =>
      Array.from({ length: CROWD_SIZE }, (_, member) => rows(family, block, member, ports)).flat()
    )
  );
}

/** The first, the last, and those around the middle. */
function blocksOf(family: Family): number[] {
  const count = CROWD_BLOCKS[family];
  const middle = count / 2;
  return [0, 1, 2, middle - 1, middle, middle + 1, count - 2, count - 1];
}

function rows(family: Family, block: number, member: number, ports: SourcePorts): PacketRow[] {
  const peer = addressBytes(crowdAddress(family, block, member));
  const subject = addressBytes(ROW_ADDRESS.SUBJECT[family]);
  const isPeer = crowdIdentity(block, member) === ROW_IDENTITY.PEER;
  const becomes = isPeer ? "pass" : drop("POLICY");
  const tcp = (source: Uint8Array, destination: Uint8Array, port: number) => {
    const start = newPacket().eth(MACS);
    const packet = family === 4
      ? start.ipv4({ source, destination })
      : start.ipv6({ source, destination });
    return packet.tcp({ source: ports.next(), destination: port }).build();
  };
  const name = `one of a crowd, ${member} of block ${block}`;
  const endpoint = ROW_ENDPOINT.SUBJECT;
  return [
    {
      description: `IPv${family} from ${name}`,
      packets: [{ endpoint, hook: "to_container", data: tcp(peer, subject, 80), becomes }],
    },
    {
      description: `IPv${family} to ${name}`,
      packets: [{ endpoint, hook: "from_container", data: tcp(subject, peer, 90), becomes }],
    },
  ];
}
