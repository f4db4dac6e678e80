import { account } from "./accounting";
import {
  conntrackCreate,
  conntrackDelete,
  conntrackLookup,
  conntrackUpdate,
  foundEntry,
  foundState,
} from "./conntrack";
import { forwardToEndpoint } from "./deliver";
import {
  endpointId,
  endpointIpv4,
  endpointIpv6,
  enterEndpoint,
  nowSeconds,
  wantsEvents,
} from "./endpoint_config";
import { endpointLookup, endpointPolicy } from "./endpoints";
import { count, drop, flowEventDue, raiseEvent, raiseFlowlessEvent } from "./events";
import { flowFamily, flowHash, flowPeer } from "./flow_ahead";
import { fragmentResolve } from "./fragment";
import {
  identityMark,
  identitySlot,
  identityToSlot,
  ipcacheLookup,
  markIdentity,
  scopeFallback,
} from "./ipcache";
import {
  CT_ENTRY_REPLY_REPORTED_OFF,
  CT_ENTRY_REPORTED_OFF,
  CT_RELATED,
  CT_REPLY,
  DIRECTION_EGRESS,
  DIRECTION_INGRESS,
  DROP_AUTH_REQUIRED,
  DROP_INVALID_SIP,
  DROP_MISSED_TAIL_CALL,
  DROP_POLICY,
  DROP_POLICY_DENY,
  DROP_PROXY_SET_FAILED,
  ENDPOINT_ACCOUNTING,
  ENDPOINT_AUDIT,
  ENDPOINT_INFO_ENDPOINT_OFF,
  ENDPOINT_POLICY_FLAGS_OFF,
  ENDPOINT_POLICY_IDENTITY_SLOT_OFF,
  ENDPOINT_POLICY_POLICY_OFF,
  EVENT_POLICY_VERDICT,
  EVENT_TRACE,
  EVENTS_POLICY_VERDICT,
  EVENTS_TRACE,
  IDENTITY_HOST,
  MARK_ENFORCED,
  MARK_HOST,
  MARK_IDENTITY,
  MARK_MASK,
  MARK_TO_PROXY,
  PACKET_OK,
  PACKET_REDIRECT,
  PACKET_SHOT,
  REASON_AUDITED,
  REASON_FORWARDED,
  REASON_SLOT_FALLBACK,
  VERDICT_REDIRECT,
} from "./layout";
import { staysOnLink } from "./neighbour";
import { clearPacket, DADDR_OFF, packet, SADDR_OFF, verdict } from "./packet";
import { PARSE_NEIGHBOUR, parsePacket, parsePlain } from "./parse";
import { policyDecide } from "./policy";
import { proxyMark, proxyResolve } from "./proxy";

/*
 * bpf/datapath.bpf.c in AssemblyScript, statement by statement: the programs of one
 * endpoint, whose constants are current. They change the packet at `data` in place.
 */

/** skb->mark of the packet under way. */
export let mark: u32 = 0;

export function setMark(value: u32): void {
  mark = value;
}

// @ts-ignore: decorator
@inline
function sourceAddress(): usize {
  return changetype<usize>(packet) + SADDR_OFF;
}

// @ts-ignore: decorator
@inline
function destinationAddress(): usize {
  return changetype<usize>(packet) + DADDR_OFF;
}

/** The peer's slot, or its scope's when it has none, which is counted and told. */
// @ts-ignore: decorator
@inline
function peerSlot(identity: u32, slot: u32, direction: u32): u32 {
  if (slot) return slot;
  count(REASON_SLOT_FALLBACK, direction, packet.length);
  if (wantsEvents(EVENTS_TRACE)) {
    raiseFlowlessEvent(EVENT_TRACE, REASON_SLOT_FALLBACK, direction);
  }
  return scopeFallback(identity, packet.family);
}

/**
 * Whether a policy has said so: one that is missing or damaged says nothing, nor does a proxy
 * that is gone.
 */
function isPolicyDrop(reason: i32): bool {
  return reason == DROP_POLICY || reason == DROP_POLICY_DENY || reason == DROP_AUTH_REQUIRED;
}

/** Audit mode: what policy drops passes and is told. */
function audit(reason: i32, direction: u32, own: usize): i32 {
  if (!(load<u32>(own, ENDPOINT_POLICY_FLAGS_OFF) & ENDPOINT_AUDIT)) return reason;
  if (!isPolicyDrop(reason)) return reason;
  verdict.audited = <u8>reason;
  count(REASON_AUDITED, direction, packet.length);
  return 0;
}

/** Policy of this endpoint for one packet. Returns 0 or a drop reason. */
// @ts-ignore: decorator
@inline
function judge(
  direction: u32,
  peerIdentity: u32,
  slot: u32,
  canRedirect: bool,
  own: usize,
): i32 {
  const reason = policyDecide(load<u32>(own, ENDPOINT_POLICY_POLICY_OFF), direction, slot);
  if (load<u32>(own, ENDPOINT_POLICY_FLAGS_OFF) & ENDPOINT_ACCOUNTING) {
    account(direction, peerIdentity);
  }
  if (reason) return audit(reason, direction, own);
  if (verdict.verdict != VERDICT_REDIRECT) return 0;
  return canRedirect ? proxyResolve() : DROP_PROXY_SET_FAILED;
}

/** Tells again of a flow that goes on. */
function reportFlow(entry: usize, direction: u32): void {
  if (verdict.ctState == CT_REPLY) {
    if (!wantsEvents(EVENTS_TRACE)) return;
    if (!flowEventDue(load<u32>(entry, CT_ENTRY_REPLY_REPORTED_OFF))) return;
    store<u32>(entry, nowSeconds(), CT_ENTRY_REPLY_REPORTED_OFF);
    raiseEvent(EVENT_TRACE, REASON_FORWARDED, direction);
    return;
  }
  if (!wantsEvents(EVENTS_POLICY_VERDICT)) return;
  if (!flowEventDue(load<u32>(entry, CT_ENTRY_REPORTED_OFF))) return;
  store<u32>(entry, nowSeconds(), CT_ENTRY_REPORTED_OFF);
  raiseEvent(EVENT_POLICY_VERDICT, verdict.audited, direction);
}

/** Conntrack and policy of this endpoint in one direction. Returns 0 or a drop reason. */
// @ts-ignore: decorator
@inline
function admit(
  direction: u32,
  peerIdentity: u32,
  slot: u32,
  canRedirect: bool,
  own: usize,
): i32 {
  const seconds = nowSeconds();
  const found = conntrackLookup(direction, seconds);
  const state = foundState(found);
  const entry = foundEntry(found);
  verdict.ctState = <u8>state;
  if (state == CT_RELATED || packet.alwaysAllowed) return 0;
  if (state != CT_REPLY) {
    slot = peerSlot(peerIdentity, slot, direction);
    const reason = judge(direction, peerIdentity, slot, canRedirect, own);
    if (reason) {
      if (entry && isPolicyDrop(reason)) conntrackDelete(entry);
      return reason;
    }
  }
  if (entry) {
    conntrackUpdate(entry, state, seconds);
    reportFlow(entry, direction);
    return 0;
  }
  if (packet.creates) {
    const reason = conntrackCreate(direction, seconds);
    if (reason) return reason;
  }
  if (!wantsEvents(EVENTS_POLICY_VERDICT)) return 0;
  if (packet.creates) raiseEvent(EVENT_POLICY_VERDICT, verdict.audited, direction);
  else raiseFlowlessEvent(EVENT_POLICY_VERDICT, verdict.audited, direction);
  return 0;
}

// @ts-ignore: decorator
@inline
function sourceIsOwn(): bool {
  const source = v128.load(sourceAddress());
  if (!v128.any_true(source)) return false; // an endpoint without an address has zeros
  if (packet.family == 4) return <u32>packet.saddrLow == endpointIpv4();
  return !v128.any_true(v128.xor(source, v128.load(endpointIpv6())));
}

/** The program's end: counts what goes on, drops what does not. */
// @ts-ignore: decorator
@inline
function finish(reason: i32, direction: u32): i32 {
  if (reason > 0) return drop(reason, direction);
  count(REASON_FORWARDED, direction, packet.length);
  return PACKET_OK;
}

/** The endpoint's own identity and slot. */
// @ts-ignore: decorator
@inline
function ownIdentitySlot(own: usize): u64 {
  return load<u64>(own, ENDPOINT_POLICY_IDENTITY_SLOT_OFF);
}

/** Parses a packet, and takes over what was found before it runs. */
// @ts-ignore: decorator
@inline
function parseAhead(data: usize, length: u32, flow: usize): i32 {
  const family = flowFamily(flow);
  if (!family) return parsePacket(data, length);
  parsePlain(data, length, family);
  packet.flowHash = flowHash(flow);
  packet.peer = flowPeer(flow);
  return 0;
}

/** Egress policy of this endpoint. Returns 0, PARSE_* or a drop reason. */
function egress(data: usize, length: u32, flow: usize): i32 {
  let reason = parseAhead(data, length, flow);
  if (reason == PARSE_NEIGHBOUR && !staysOnLink()) reason = 0;
  if (reason) return reason;
  if (!sourceIsOwn()) return DROP_INVALID_SIP;
  const own = endpointPolicy(endpointId());
  packet.srcIdentity = <u32>ownIdentitySlot(own);
  if (packet.fragment) {
    reason = fragmentResolve(nowSeconds());
    if (reason) return reason;
  }
  // Service translation: a stage that does nothing yet.
  let peer = packet.peer;
  if (!peer) peer = ipcacheLookup(packet.family, destinationAddress());
  packet.dstIdentity = <u32>peer;
  return admit(DIRECTION_EGRESS, <u32>peer, <u32>(peer >> 32), true, own);
}

export function fromContainer(data: usize, length: u32, flow: usize): i32 {
  clearPacket();
  mark = 0;
  let reason = egress(data, length, flow);
  if (reason) return finish(reason, DIRECTION_EGRESS);
  if (verdict.proxyPort) {
    mark = proxyMark(verdict.proxyPort);
    return finish(0, DIRECTION_EGRESS);
  }
  const destination = endpointLookup(packet.family, destinationAddress());
  if (!destination) {
    // So that the stack's way back to a local endpoint keeps the identity.
    mark = identityMark(packet.srcIdentity);
    return finish(0, DIRECTION_EGRESS);
  }
  reason = forwardToEndpoint(data, destination);
  if (reason) return drop(reason, DIRECTION_EGRESS);
  count(REASON_FORWARDED, DIRECTION_EGRESS, packet.length);
  const source = ownIdentitySlot(endpointPolicy(endpointId()));
  // The tail call: the destination's constants take the place of the source's.
  if (enterEndpoint(load<u32>(destination, ENDPOINT_INFO_ENDPOINT_OFF))) {
    return policyIngress(data, length, <u32>source, <u32>(source >> 32));
  }
  // It has left this endpoint and does not reach the other.
  return drop(DROP_MISSED_TAIL_CALL, DIRECTION_INGRESS);
}

/** Ingress policy of this endpoint for a packet whose source is known. */
function ingress(srcIdentity: u32, srcSlot: u32, canRedirect: bool): i32 {
  const own = endpointPolicy(endpointId());
  packet.srcIdentity = srcIdentity;
  packet.dstIdentity = <u32>ownIdentitySlot(own);
  if (packet.fragment) {
    const reason = fragmentResolve(nowSeconds());
    if (reason) return reason;
  }
  return admit(DIRECTION_INGRESS, srcIdentity, srcSlot, canRedirect, own);
}

function policyIngress(data: usize, length: u32, srcIdentity: u32, srcSlot: u32): i32 {
  clearPacket();
  let reason = parsePacket(data, length);
  if (!reason) reason = ingress(srcIdentity, srcSlot, true);
  if (finish(reason, DIRECTION_INGRESS) != PACKET_OK) return PACKET_SHOT;
  if (verdict.proxyPort) {
    mark = proxyMark(verdict.proxyPort);
    return PACKET_OK;
  }
  mark = MARK_ENFORCED;
  return PACKET_REDIRECT;
}

/** Who sends a packet that comes from host or stack: its mark says, or its address. */
function sourceOf(): u64 {
  switch (mark & MARK_MASK) {
    case MARK_HOST:
      return identitySlot(IDENTITY_HOST, IDENTITY_HOST);
    case MARK_IDENTITY: {
      const identity = markIdentity(mark);
      return identitySlot(identity, identityToSlot(identity));
    }
    default:
      return packet.peer ? packet.peer : ipcacheLookup(packet.family, sourceAddress());
  }
}

export function toContainer(data: usize, length: u32, flow: usize): i32 {
  clearPacket();
  if ((mark & MARK_MASK) == MARK_ENFORCED) return PACKET_OK;
  let reason = parseAhead(data, length, flow);
  // A proxy should have read it: the node does not route by the mark.
  if (!reason && (mark & MARK_MASK) == MARK_TO_PROXY) reason = DROP_PROXY_SET_FAILED;
  if (!reason) {
    const source = sourceOf();
    // At TC egress no socket can be assigned.
    reason = ingress(<u32>source, <u32>(source >> 32), false);
  }
  return finish(reason, DIRECTION_INGRESS);
}
