import type { EndpointState, NodeState } from "../../src/datapath/datapath.ts";
import { newPacket, type PacketBuilder } from "../../src/datapath/packet_builder.ts";
import { canonical, entry } from "./_map_state.ts";

/** Address 10.1.0.`host`. */
export const ipv4 = (host: number) => Uint8Array.of(10, 1, 0, host);
/** Address fd00::`host`. */
export const ipv6 = (host: number) => Uint8Array.of(0xFD, ...new Array(14).fill(0), host);
/** Container side of the veth of an endpoint. */
export const macOf = (id: number) => Uint8Array.of(2, 0, 0, 0, 0, id);
/** Host side of the veth of an endpoint. */
export const nodeMacOf = (id: number) => Uint8Array.of(2, 0, 0, 0, 1, id);

/** Endpoint 1: may send anything, admits nothing. */
export const CLIENT = 1;
/** Endpoint 2: admits TCP 80, UDP 53 and echo requests from the client's identity. */
export const SERVER = 2;
/** Endpoint 3: has no policy yet. */
export const UNREADY = 3;
/** Endpoint 4: may send anything, but has no address to send it from. */
export const NAMELESS = 4;
/** Endpoint 5: as the server, but in audit mode. */
export const AUDITED = 5;
export const CLIENT_IDENTITY = 300;
export const SERVER_IDENTITY = 301;
/** Cookies of the rules. */
export const COOKIE = {
  egress: 1,
  web: 2,
  dns: 3,
  ping: 4,
  denied: 5,
  auth: 6,
  proxied: 7,
} as const;

/** Redirects of the policies; one has no port, one is in no table. */
export const REDIRECT = { web: 7, egress: 4095, silent: 8, unknown: 4096 } as const;
export const PROXY_PORT = { web: 15001, egress: 65535 } as const;

function redirect(id: number) {
  return { verdict: "redirect", redirect: id, portPrefix: 16, cookie: COOKIE.proxied } as const;
}

const fromClient = { identity: CLIENT_IDENTITY } as const;

/** An endpoint with both addresses. */
function endpoint(id: number, identity: number, policy: number): EndpointState {
  return {
    id,
    ipv4: ipv4(id),
    ipv6: ipv6(id),
    mac: macOf(id),
    nodeMac: nodeMacOf(id),
    ifindex: 10 + id,
    identity,
    policy,
  };
}

/** Two pods with policies, one without, and addresses beyond the node. */
export const NODE: NodeState = {
  endpoints: [
    endpoint(CLIENT, CLIENT_IDENTITY, CLIENT),
    endpoint(SERVER, SERVER_IDENTITY, SERVER),
    endpoint(UNREADY, SERVER_IDENTITY, 0),
    { ...endpoint(NAMELESS, CLIENT_IDENTITY, CLIENT), ipv4: undefined, ipv6: undefined },
    { ...endpoint(AUDITED, SERVER_IDENTITY, SERVER), audit: true },
  ],
  identities: [
    ...[1, 2, 6, 9, 10].map((identity) => ({ identity, slot: identity })),
    { identity: CLIENT_IDENTITY, slot: 256 },
    { identity: SERVER_IDENTITY, slot: 257 },
    { identity: 400, slot: 258 },
  ],
  ipcache: [
    { address: ipv4(CLIENT), identity: CLIENT_IDENTITY },
    { address: ipv4(SERVER), identity: SERVER_IDENTITY },
    { address: ipv4(UNREADY), identity: SERVER_IDENTITY },
    { address: ipv4(AUDITED), identity: SERVER_IDENTITY },
    { address: ipv6(CLIENT), identity: CLIENT_IDENTITY },
    { address: ipv6(SERVER), identity: SERVER_IDENTITY },
    { address: Uint8Array.of(10, 1, 0, 0), prefixLength: 16, identity: 400 },
    { address: Uint8Array.of(10, 1, 0, 200), identity: 999 }, // without a slot
  ],
  redirects: [
    { id: REDIRECT.web, port: PROXY_PORT.web },
    { id: REDIRECT.egress, port: PROXY_PORT.egress },
    { id: REDIRECT.silent, port: 0 },
  ],
  policies: [
    {
      number: 1,
      revision: 11,
      mapState: canonical([
        entry({ direction: "egress", cookie: COOKIE.egress }),
        entry({
          direction: "egress",
          protocol: 6,
          port: 23,
          portPrefix: 16,
          verdict: "deny",
          precedence: 9,
          cookie: COOKIE.denied,
        }),
        entry({
          ...redirect(REDIRECT.egress),
          direction: "egress",
          protocol: 17,
          port: 5353,
          precedence: 9,
        }),
      ]),
    },
    {
      number: 2,
      revision: 22,
      mapState: canonical([
        entry({ ...fromClient, protocol: 6, port: 80, portPrefix: 16, cookie: COOKIE.web }),
        entry({ ...fromClient, protocol: 17, port: 53, portPrefix: 16, cookie: COOKIE.dns }),
        entry({ ...fromClient, protocol: 1, port: 8, portPrefix: 16, cookie: COOKIE.ping }),
        entry({ ...fromClient, protocol: 58, port: 128, portPrefix: 16, cookie: COOKIE.ping }),
        entry({
          ...fromClient,
          protocol: 6,
          port: 88,
          portPrefix: 16,
          cookie: COOKIE.auth,
          authType: 1,
        }),
        entry({ ...fromClient, ...redirect(REDIRECT.web), protocol: 6, port: 8080 }),
        entry({ ...fromClient, ...redirect(REDIRECT.silent), protocol: 6, port: 8081 }),
        entry({ ...fromClient, ...redirect(REDIRECT.unknown), protocol: 6, port: 8082 }),
        entry({ ...fromClient, ...redirect(REDIRECT.web), protocol: 132, port: 8080 }),
      ]),
    },
  ],
};

/** A packet's headers up to IP, from one host number to another. */
export function ip4(source: number, destination: number): PacketBuilder {
  return newPacket().eth().ipv4({ source: ipv4(source), destination: ipv4(destination) });
}

/** The same over IPv6. */
export function ip6(source: number, destination: number): PacketBuilder {
  return newPacket().eth().ipv6({ source: ipv6(source), destination: ipv6(destination) });
}

/** The packet as the last hop forwards it to an endpoint. */
export function delivered(packet: PacketBuilder | Uint8Array, endpoint: number): Uint8Array {
  const data = (packet instanceof Uint8Array ? packet : packet.build()).slice();
  data.set(macOf(endpoint), 0);
  data.set(nodeMacOf(endpoint), 6);
  if (data[12] === 0x86) {
    data[21]! -= 1;
    return data;
  }
  data[22]! -= 1;
  const check = (data[24]! << 8 | data[25]!) + 0x100;
  const folded = (check & 0xFFFF) + (check >> 16);
  data[24] = folded >> 8;
  data[25] = folded & 0xFF;
  return data;
}
