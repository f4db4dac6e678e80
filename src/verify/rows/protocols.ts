import { IDENTITY_HOST, MARK_HOST } from "../../datapath/layout.ts";
import type { Family } from "../address.ts";
import { ROW_ENDPOINT } from "../row_node.ts";
import { drop, ip, type PacketRow, type RowOutcome, type RowPacket, type RowParty } from "./row.ts";

const { SUBJECT, PEER } = ROW_ENDPOINT;

/** Two of the many that have neither ports nor types: GRE and ESP. */
const OTHERS = [47, 50];

/** Protocols by number: judged as port 0, tracked by addresses. */
export function protocolRows(): PacketRow[] {
  return ([4, 6] as const).flatMap((family) =>
    OTHERS.flatMap((protocol): PacketRow[] => {
      const name = `protocol ${protocol} over IPv${family}`;
      const sends = sender(family, protocol);
      const out = sends(PEER, "PEER", "WORLD", "pass");
      const back = { ...sends(PEER, "WORLD", "PEER", "pass"), hook: "to_container" as const };
      const fromHost = {
        ...sends(SUBJECT, "WORLD", "SUBJECT", "pass"),
        hook: "to_container" as const,
        mark: MARK_HOST,
      };
      const answer = sends(SUBJECT, "SUBJECT", "WORLD", "pass");
      return [
        { description: `${name} that an entry for all protocols allows`, packets: [out, back] },
        {
          description: `${name} from identity ${IDENTITY_HOST}, and its answer`,
          packets: [fromHost, answer],
        },
        {
          description: `${name} that nobody asked for`,
          packets: [sends(SUBJECT, "SUBJECT", "CIDR", drop("POLICY"))],
        },
        {
          description: `${name}, an answer too late`,
          packets: [
            { ...sends(PEER, "PEER", "CIDR", "pass"), at: 0 },
            { ...sends(SUBJECT, "SUBJECT", "CIDR", drop("POLICY")), at: 61 },
          ],
        },
      ];
    })
  );
}

function sender(family: Family, protocol: number) {
  return (endpoint: number, from: RowParty, to: RowParty, becomes: RowOutcome): RowPacket => ({
    endpoint,
    hook: "from_container",
    data: ip(family, from, to, { protocol }).payload(new Uint8Array(20)).build(),
    becomes,
  });
}
