import {
  DROP_EP_NOT_READY,
  DROP_INVALID_SIP,
  DROP_POLICY,
  DROP_PROXY_SET_FAILED,
  MARK_ENFORCED,
  MARK_HOST,
  MARK_TO_PROXY,
  PACKET_NOT_RUN,
  PACKET_OK,
  PACKET_SHOT,
} from "../../src/datapath/layout.ts";
import { newPacket } from "../../src/datapath/packet_builder.ts";
import {
  CLIENT,
  delivered,
  ip4,
  ip6,
  ipv4,
  ipv6,
  NAMELESS,
  PROXY_PORT,
  SERVER,
  UNREADY,
} from "./_node.ts";
import { DROPPED, type Row, TO_CONTAINER, TO_STACK, WEB } from "./_row.ts";

/** Who sends, by address and by mark, and at which hook; who can receive. */
export const HOOK_ROWS: readonly Row[] = [
  {
    description: "a spoofed source",
    packet: ip4(SERVER, CLIENT).tcp(WEB),
    out: DROPPED,
    events: [DROP_INVALID_SIP],
  },
  {
    description: "a spoofed IPv6 source",
    packet: ip6(SERVER, CLIENT).tcp(WEB),
    out: DROPPED,
    events: [DROP_INVALID_SIP],
  },
  {
    description: "source 0.0.0.0 of an endpoint without an IPv4 address",
    packet: newPacket().eth().ipv4({ source: new Uint8Array(4), destination: ipv4(SERVER) })
      .tcp(WEB),
    fields: { endpoint: NAMELESS },
    out: DROPPED,
    events: [DROP_INVALID_SIP],
  },
  {
    description: "source :: of an endpoint without an IPv6 address",
    packet: newPacket().eth().ipv6({ source: new Uint8Array(16), destination: ipv6(SERVER) })
      .tcp(WEB),
    fields: { endpoint: NAMELESS },
    out: DROPPED,
    events: [DROP_INVALID_SIP],
  },
  {
    description: "a destination that has no policy yet",
    packet: ip4(CLIENT, UNREADY).tcp(WEB),
    out: DROPPED,
    packetOut: delivered(ip4(CLIENT, UNREADY).tcp(WEB), UNREADY),
    events: [0, DROP_EP_NOT_READY],
  },
  {
    description: "a container's mark is not believed",
    packet: newPacket().eth().arp(),
    fields: { mark: MARK_ENFORCED },
    out: { verdict: PACKET_OK, mark: 0 },
    events: [],
  },
  {
    description: "to_container drops what should have gone to a proxy",
    packet: ip4(CLIENT, SERVER).tcp(WEB),
    fields: { ...TO_CONTAINER, mark: PROXY_PORT.web << 16 | MARK_TO_PROXY },
    out: { verdict: PACKET_SHOT, mark: PROXY_PORT.web << 16 | MARK_TO_PROXY },
    events: [DROP_PROXY_SET_FAILED],
  },
  {
    description: "to_container lets pass what has been enforced",
    packet: ip4(77, SERVER).tcp(WEB),
    fields: { ...TO_CONTAINER, mark: MARK_ENFORCED },
    out: { verdict: PACKET_OK, mark: MARK_ENFORCED },
    events: [],
  },
  {
    description: "to_container takes the source from the address",
    packet: ip4(CLIENT, SERVER).tcp(WEB),
    fields: TO_CONTAINER,
    out: { verdict: PACKET_OK, mark: 0 },
    events: [0],
  },
  {
    description: "to_container takes the source from the mark before the address",
    packet: ip4(77, SERVER).tcp(WEB),
    fields: { ...TO_CONTAINER, mark: TO_STACK.mark },
    out: { verdict: PACKET_OK, mark: TO_STACK.mark },
    events: [0],
  },
  {
    description: "to_container takes the host's mark as identity 1",
    packet: ip4(CLIENT, SERVER).tcp(WEB),
    fields: { ...TO_CONTAINER, mark: MARK_HOST },
    out: { verdict: PACKET_SHOT, mark: MARK_HOST },
    events: [DROP_POLICY],
  },
  {
    description: "to_container drops what policy does not allow",
    packet: ip4(77, SERVER).tcp(WEB),
    fields: TO_CONTAINER,
    out: DROPPED,
    events: [DROP_POLICY],
  },
  {
    description: "an endpoint that does not exist runs nothing",
    packet: ip4(CLIENT, SERVER).tcp(WEB),
    fields: { endpoint: 77 },
    out: { verdict: PACKET_NOT_RUN, mark: 0 },
    events: [],
  },
];
