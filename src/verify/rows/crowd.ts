import { newPacket } from "../../datapath/packet_builder.ts";
import { addressBytes, type Family } from "../address.ts";
import { CROWD_BLOCKS, CROWD_SIZE, crowdAddress, crowdIdentity } from "../row_crowd.ts";
import { ROW_IDENTITY } from "../row_identity.ts";
import { ROW_ADDRESS, ROW_ENDPOINT } from "../row_node.ts";
import { drop, MACS, type PacketRow, type RowOutcome, type SourcePorts } from "./row.ts";

/** Peers in blocks of the ipcache: each is who it is, and not who stands in another cell. */
export function crowdRows(ports: SourcePorts): PacketRow[] {
  return ([4, 6] as const).flatMap((family) =>
    blocksOf(family).flatMap((block) =>
      Array.from({ length: CROWD_SIZE }, (_, member) => rows(family, block, member, ports)).flat()
    ).concat(besideRows(family, ports))
  );
}

/** The first, the last, and those around the middle. */
function blocksOf(family: Family): number[] {
  const count = CROWD_BLOCKS[family];
  const middle = count / 2;
  return [0, 1, 2, middle - 1, middle, middle + 1, count - 2, count - 1];
}

/** Ports that a member of the crowd may use where it is the subject's peer. */
const PEER_PORT = { into: 80, out: 90 } as const;
/** Ports that only the world may use. */
const WORLD_PORT = { 4: { into: 86, out: 96 }, 6: { into: 87, out: 97 } } as const;

function rows(family: Family, block: number, member: number, ports: SourcePorts): PacketRow[] {
  const isPeer = crowdIdentity(block, member) === ROW_IDENTITY.PEER;
  const name = `one of a crowd, ${member} of block ${block}`;
  const peer = crowdAddress(family, block, member);
  return exchange(name, peer, PEER_PORT, isPeer ? "pass" : drop("POLICY"), ports);
}

/** Their cells say nothing, and the tables say the world. */
function besideRows(family: Family, ports: SourcePorts): PacketRow[] {
  const peer = crowdAddress(family, 1, CROWD_SIZE);
  return exchange("one beside a crowd", peer, WORLD_PORT[family], "pass", ports);
}

function exchange(
  name: string,
  peer: ReturnType<typeof crowdAddress>,
  { into, out }: { readonly into: number; readonly out: number },
  becomes: RowOutcome,
  ports: SourcePorts,
): PacketRow[] {
  const { family } = peer;
  const subject = ROW_ADDRESS.SUBJECT[family];
  const tcp = (from: typeof peer, to: typeof peer, destination: number) => {
    const ends = { source: addressBytes(from), destination: addressBytes(to) };
    const start = newPacket().eth(MACS);
    const packet = family === 4 ? start.ipv4(ends) : start.ipv6(ends);
    return packet.tcp({ source: ports.next(), destination }).build();
  };
  const endpoint = ROW_ENDPOINT.SUBJECT;
  return [
    {
      description: `IPv${family} from ${name}`,
      packets: [{ endpoint, hook: "to_container", data: tcp(peer, subject, into), becomes }],
    },
    {
      description: `IPv${family} to ${name}`,
      packets: [{ endpoint, hook: "from_container", data: tcp(subject, peer, out), becomes }],
    },
  ];
}
