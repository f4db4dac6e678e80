import type { Family } from "../address.ts";
import { PROXY_PORT, ROW_ENDPOINT } from "../row_node.ts";
import { REDIRECTED_PORT, REDIRECTED_WITH_AUTH } from "../row_policies.ts";
import { type Place, PLACES } from "./places.ts";
import {
  drop,
  ip,
  type PacketRow,
  type RowEvent,
  type RowOutcome,
  type RowPacket,
  type RowParty,
  type SourcePorts,
} from "./row.ts";

const { SUBJECT } = ROW_ENDPOINT;
const REFUSED = drop("PROXY_LOOKUP");

/** What becomes of a redirect where one is possible. */
const BY_NAME: Readonly<Record<keyof typeof REDIRECTED_PORT, RowOutcome>> = {
  LISTENING: { proxy: PROXY_PORT.LISTENING },
  SILENT: REFUSED,
  UNKNOWN: REFUSED,
  LAST: { proxy: PROXY_PORT.LAST },
  BEYOND: REFUSED,
};

/** A redirect leads to its proxy, or the packet nowhere: nothing passes unread. */
export function redirectRows(ports: SourcePorts): PacketRow[] {
  return ([4, 6] as const).flatMap((family) => [
    ...lookupRows(family, ports),
    ...protocolRows(family, ports),
    ...flowRows(family, ports),
  ]);
}

type Transport = "tcp" | "udp" | "sctp";

function at(
  { endpoint, hook, ends: [from, to], before, redirects }: Place,
  family: Family,
  transport: Transport,
  ports: { source: number; destination: number },
  becomes: RowOutcome,
): RowPacket {
  const data = ip(family, from, to)[transport](ports).build();
  // An impossible redirect is refused before anyone asks where it leads.
  const outcome = isRedirect(becomes) && !redirects ? drop("PROXY_SET") : becomes;
  const event: RowEvent = typeof outcome === "object" && "drop" in outcome ? outcome : "verdict";
  return { endpoint, hook, data, becomes: outcome, tells: [...before, event] };
}

function isRedirect(becomes: RowOutcome): boolean {
  return typeof becomes === "object" && ("proxy" in becomes || becomes === REFUSED);
}

function lookupRows(family: Family, ports: SourcePorts): PacketRow[] {
  return PLACES.flatMap((place) => [
    ...(Object.keys(BY_NAME) as (keyof typeof BY_NAME)[]).map((name): PacketRow => {
      const ends = { source: ports.next(), destination: REDIRECTED_PORT[name] };
      return {
        description: `redirect ${name} ${place.name}, IPv${family}`,
        packets: [at(place, family, "tcp", ends, BY_NAME[name])],
      };
    }),
    {
      description: `a redirect that wants authentication ${place.name}, IPv${family}`,
      packets: [
        at(
          place,
          family,
          "tcp",
          { source: ports.next(), destination: REDIRECTED_WITH_AUTH },
          drop("AUTH"),
        ),
      ],
    },
  ]);
}

/** A proxy speaks TCP and UDP. */
function protocolRows(family: Family, ports: SourcePorts): PacketRow[] {
  const proxy = BY_NAME.LISTENING;
  const transports = [["udp", proxy], ["sctp", drop("PROXY_UNKNOWN")]] as const;
  return PLACES.flatMap((place) =>
    transports.map(([transport, becomes]): PacketRow => {
      const ends = { source: ports.next(), destination: REDIRECTED_PORT.LISTENING };
      const outcome = place.redirects ? becomes : drop("PROXY_SET");
      return {
        description: `a redirect of ${transport} ${place.name}, IPv${family}`,
        packets: [at(place, family, transport, ends, outcome)],
      };
    })
  );
}

/** Every packet of the flow goes to the proxy; what it answers for the other end does not. */
function flowRows(family: Family, ports: SourcePorts): PacketRow[] {
  const destination = REDIRECTED_PORT.LISTENING;
  const becomes = BY_NAME.LISTENING;
  return PLACES.filter(({ redirects }) => redirects).map((place): PacketRow => {
    const { endpoint, hook, ends: [from, to] } = place;
    const source = ports.next();
    const sends = (flags: readonly ("SYN" | "ACK")[], tells: readonly RowEvent[]): RowPacket => ({
      endpoint,
      hook,
      data: ip(family, from, to).tcp({ source, destination, flags }).build(),
      becomes,
      tells,
    });
    const back: readonly [RowParty, RowParty] = [to, from];
    const answer = ip(family, ...back)
      .tcp({ source: destination, destination: source, flags: ["SYN", "ACK"] }).build();
    const answered: RowPacket = endpoint === SUBJECT
      ? { endpoint, hook: "to_container", data: answer, becomes: "pass", tells: [] }
      : { endpoint: SUBJECT, hook: "from_container", data: answer, becomes: "deliver", tells: [] };
    return {
      description: `a redirected flow ${place.name}, IPv${family}`,
      packets: [sends(["SYN"], [...place.before, "verdict"]), answered, sends(["ACK"], [])],
    };
  });
}
