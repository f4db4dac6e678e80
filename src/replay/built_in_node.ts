import { parseIpAddress } from "../cluster/ip_address.ts";
import type { EndpointState, NodeState } from "../datapath/datapath.ts";
import { NO_COOKIE } from "../policy/map_state.ts";
import { precedenceOf } from "../policy/precedence.ts";
import { addressBytes } from "../verify/address.ts";
import { madeUpMac } from "../verify/made_up_mac.ts";
import type { ReplayNode } from "./replay_node.ts";

/** Most pods of the built-in node. */
export const MAX_BUILT_IN_PODS = 8;

const FIRST_IDENTITY = 256;
const FIRST_IFINDEX = 100;
const POLICY = 1;

/**
 * The node of a capture without a cluster: who sends is a pod, up to
 * {@linkcode MAX_BUILT_IN_PODS} addresses in order of appearance, everything else is the world,
 * and policy allows everything. What is dropped is dropped for what the packet is. Frames of no
 * pod come from the first pod.
 *
 * @param senders Addresses, each once.
 */
export function builtInNode(senders: readonly string[]): ReplayNode {
  const addresses = senders.filter(isUnicast).slice(0, MAX_BUILT_IN_PODS);
  const named: readonly (string | undefined)[] = addresses.length === 0 ? [undefined] : addresses;
  const identities = named.map((_, i) => ({
    identity: FIRST_IDENTITY + i,
    slot: FIRST_IDENTITY + i,
  }));
  const state: NodeState = {
    endpoints: named.map((address, i) => endpointState(i + 1, address)),
    identities,
    ipcache: addresses.map((address, i) => ({
      address: addressBytes(parseIpAddress(address)),
      identity: FIRST_IDENTITY + i,
    })),
    policies: [{ number: POLICY, revision: 1, mapState: { entries: ALLOW_ALL } }],
  };
  return {
    state,
    nameOf: (endpoint) => named[endpoint - 1] ?? `pod-${endpoint}`,
    rulesOf: () => [],
    stranger: 1,
  };
}

const ALLOW_ALL = (["ingress", "egress"] as const).map((direction) => ({
  identity: 0,
  direction,
  protocol: 0,
  port: 0,
  portPrefix: 0,
  verdict: "allow" as const,
  precedence: precedenceOf("allow"),
  cookie: NO_COOKIE,
  authType: 0,
}));

function endpointState(id: number, address: string | undefined): EndpointState {
  const bytes = address === undefined ? undefined : addressBytes(parseIpAddress(address));
  return {
    id,
    ...(bytes?.length === 4 ? { ipv4: bytes } : {}),
    ...(bytes?.length === 16 ? { ipv6: bytes } : {}),
    mac: madeUpMac(id, 1),
    nodeMac: madeUpMac(id, 2),
    ifindex: FIRST_IFINDEX + id,
    identity: FIRST_IDENTITY + id - 1,
    policy: POLICY,
  };
}

/** Neither multicast, broadcast nor the address of nobody. */
function isUnicast(text: string): boolean {
  const { family, words: [first, ...others] } = parseIpAddress(text);
  if (family === 4) return first !== 0 && first >>> 28 < 0xe;
  return first >>> 24 !== 0xff && [first, ...others].some((word) => word !== 0);
}
