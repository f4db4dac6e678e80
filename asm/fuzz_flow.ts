import { allocateZeroed } from "./arena";
import { below, oneIn, random32 } from "./fuzz_random";
import {
  copyEndpointAddress,
  endpointHas,
  endpointIdOf,
  pickEndpoint,
  pickIdentity,
  pickPeer,
  pickPort,
  pickProtocol,
} from "./fuzz_world";
import {
  HOOK_FROM_CONTAINER,
  HOOK_TO_CONTAINER,
  MARK_ENFORCED,
  MARK_HOST,
  MARK_IDENTITY,
} from "./layout";
import {
  ICMP_ECHO,
  ICMP_ECHOREPLY,
  ICMPV6_ECHO,
  ICMPV6_ECHOREPLY,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_TCP,
  TCP_FIN,
  TCP_RST,
  TCP_SYN,
} from "./net";

/*
 * Conversations under way. Packets of one open, answer, prolong and close it, quote it and
 * arrive late; most end when another takes their place, and then only time ends them in the
 * datapath.
 */

/** How many there are at a time: some 10 packets each before another takes the place. */
const FLOWS: u32 = 2048;

@unmanaged
export class Flow {
  /** Whoever speaks first. IPv4: the first 4 bytes. */
  sourceLow: u64;
  sourceHigh: u64;
  destinationLow: u64;
  destinationHigh: u64;
  /** Of the programs that its packets and their answers enter. */
  endpoint: u32;
  replyEndpoint: u32;
  mark: u32;
  /** Of the packet that was last sent in fragments. */
  fragmentId: u32;
  /** Network byte order; an echo: its id. */
  sport: u16;
  dport: u16;
  family: u8;
  protocol: u8;
  hook: u8;
  replyHook: u8;
  /** Packets so far, up to 255. */
  age: u8;
  icmpType: u8;
  icmpCode: u8;
}

export const FLOW_SOURCE_OFF: usize = 0;
export const FLOW_DESTINATION_OFF: usize = 16;

let flows: usize = 0;
let count: u32 = 0;

/** Forgets all conversations. Returns whether memory sufficed. */
export function startFlows(): bool {
  if (!flows) flows = allocateZeroed(<usize>FLOWS * offsetof<Flow>());
  count = 0;
  return flows != 0;
}

/** A conversation under way; a new one if there is none. */
export function pickFlow(): Flow {
  if (!count) return openFlow();
  // Young ones more often: what goes on has answers to come.
  const index = oneIn(2) ? below(count) : count - 1 - below(min<u32>(count, 64));
  return changetype<Flow>(flows + <usize>index * offsetof<Flow>());
}

/** Begins a conversation, in the place of any once there are many. */
export function openFlow(): Flow {
  let index = count;
  if (count < FLOWS) count += 1;
  else index = below(FLOWS);
  const flow = changetype<Flow>(flows + <usize>index * offsetof<Flow>());
  flow.age = 0;
  chooseEnds(flow);
  flow.protocol = <u8>pickProtocol(flow.family);
  flow.fragmentId = random32();
  flow.sport = <u16>(oneIn(8) ? bswap<u16>(<u16>pickPort()) : random32());
  flow.dport = bswap<u16>(<u16>pickPort());
  chooseIcmp(flow);
  return flow;
}

// @ts-ignore: decorator
@inline
function sourceOf(flow: Flow): usize {
  return changetype<usize>(flow) + FLOW_SOURCE_OFF;
}

// @ts-ignore: decorator
@inline
function destinationOf(flow: Flow): usize {
  return changetype<usize>(flow) + FLOW_DESTINATION_OFF;
}

function chooseEnds(flow: Flow): void {
  const own = pickEndpoint();
  const other = pickEndpoint();
  const family: u32 = endpointHas(own, 4) && (!endpointHas(own, 6) || oneIn(2)) ? 4 : 6;
  flow.family = <u8>family;
  flow.endpoint = endpointIdOf(own);
  flow.replyEndpoint = endpointIdOf(own);
  flow.mark = 0;
  if (below(16) < 9) {
    flow.hook = <u8>HOOK_FROM_CONTAINER;
    flow.replyHook = <u8>HOOK_TO_CONTAINER;
    copyEndpointAddress(sourceOf(flow), own, family);
    if (endpointHas(other, family) && oneIn(2)) {
      // Between two local endpoints the answer comes from the other's container.
      copyEndpointAddress(destinationOf(flow), other, family);
      flow.replyEndpoint = endpointIdOf(other);
      flow.replyHook = <u8>HOOK_FROM_CONTAINER;
    } else pickPeer(destinationOf(flow), family);
    return;
  }
  flow.hook = <u8>HOOK_TO_CONTAINER;
  flow.replyHook = <u8>HOOK_FROM_CONTAINER;
  flow.mark = pickMark();
  copyEndpointAddress(destinationOf(flow), own, family);
  if (endpointHas(other, family) && oneIn(8)) {
    copyEndpointAddress(sourceOf(flow), other, family);
  } else pickPeer(sourceOf(flow), family);
}

function pickMark(): u32 {
  const at = below(16);
  if (at < 8) return 0;
  if (at < 12) {
    const identity = pickIdentity();
    return identity << 16 | MARK_IDENTITY | (identity >> 16 & 0xFF);
  }
  if (at < 14) return MARK_HOST;
  return at < 15 ? MARK_ENFORCED : random32();
}

function chooseIcmp(flow: Flow): void {
  const family: u32 = flow.family;
  const isIcmp = flow.protocol == IPPROTO_ICMP || flow.protocol == IPPROTO_ICMPV6;
  if (!isIcmp) return;
  flow.icmpCode = <u8>(oneIn(8) ? random32() : 0);
  if (oneIn(4)) flow.sport = 0;
  if (below(8) < 6) flow.icmpType = <u8>(family == 4 ? ICMP_ECHO : ICMPV6_ECHO);
  else flow.icmpType = <u8>(oneIn(2) ? pickPort() : below(20));
}

/** The type that answers the conversation's own. */
export function icmpAnswer(flow: Flow): u32 {
  if (flow.family == 4) return flow.icmpType == ICMP_ECHO ? ICMP_ECHOREPLY : flow.icmpType;
  return flow.icmpType == ICMPV6_ECHO ? ICMPV6_ECHOREPLY : flow.icmpType;
}

/** TCP flags of the next packet: in order mostly, and then none in particular. */
export function nextTcpFlags(flow: Flow, reply: bool, closing: bool): u32 {
  const ACK: u32 = 16;
  if (flow.protocol != IPPROTO_TCP) return 0;
  if (oneIn(32)) return random32() & 0xFF;
  if (closing) return oneIn(3) ? TCP_RST : TCP_FIN | ACK;
  if (flow.age == 0) return TCP_SYN;
  if (flow.age < 3 && reply) return TCP_SYN | ACK;
  // A client that uses its port again.
  if (!reply && oneIn(16)) return TCP_SYN;
  return oneIn(2) ? ACK : ACK | 8;
}
