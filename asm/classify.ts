import { endpointPolicy, loadPolicyTable, policyTable } from "./endpoints";
import { announceEpoch, leaveEpoch } from "./epoch";
import { policyKey, policyTableLookup } from "./image";
import { ipcacheLookup } from "./ipcache";
import {
  DIRECTION_EGRESS,
  DROP_EP_NOT_READY,
  DROP_POLICY_IMAGE,
  ENDPOINT_POLICY_POLICY_OFF,
  MAX_ENDPOINTS,
  PACKET_DATA_BYTES,
  PACKET_SLOT_DATA_OFF,
  PACKET_SLOT_ENDPOINT_OFF,
  PACKET_SLOT_LENGTH_OFF,
  PACKET_SLOT_SIZE,
  POLICY_ENTRY_COOKIE_OFF,
  POLICY_ENTRY_VERDICT_OFF,
} from "./layout";
import { ETH_HLEN, IPV4_DADDR_OFF, IPV6_DADDR_OFF, L4_DPORT_OFF } from "./net";
import { openImage, openImageLookup } from "./open_image";
import { clearPacket, packet } from "./packet";
import { parsePacket } from "./parse";
import {
  isPlain4,
  isPlain6,
  PLAIN6_L4,
  PLAIN_MIN,
  PLAIN_REST_OFF,
  PLAIN_START_OFF,
  plainKeyAndDestination4,
  plainProtocol6,
} from "./plain_headers";
import { CLASSIFY_OFF, own } from "./worker";

/*
 * Policy without conntrack: what a packet would meet if it were the first of its flow.
 *
 *   query   ┌ policy ┬ direction ┬ slot ┬ key ┐  u32 each
 *   answer  ┌ cookie ┬ verdict, with reason << 8 when no entry was reached ┐  u32 each
 *
 * A batch goes through stage by stage, a few packets at a time: within a stage no packet waits
 * for another, so the processor has many of their cache misses under way at once, where a whole
 * packet's instructions would fill its window (the vectors of FD.io's VPP). Packets of a family
 * are staged side by side, so that no later stage asks which it is.
 *
 *   staged  ┌ key ┬ destination, then its slot ┬ policy ┬ answer ┐  u32 each
 *
 * A destination is an IPv4 address in network byte order, or where an IPv6 one is; policy and
 * answer are addresses, of a struct policy_table (0: there is none) and in the output.
 */

/** Packets in a stage: few enough to stay in the first-level cache. */
const STAGE: u32 = 32;
const STAGED_SIZE: usize = 16;
const KEY_OFF: usize = 0;
const DESTINATION_OFF: usize = 4;
const SLOT_OFF: usize = DESTINATION_OFF;
const POLICY_OFF: usize = 8;
const ANSWER_OFF: usize = 12;

// @ts-ignore: decorator
@inline
function answerReason(out: usize, reason: u32): void {
  store<u64>(out, <u64>(reason << 8) << 32);
}

/** Answers with an entry, or with the reason why there is none (0). One load, one store. */
// @ts-ignore: decorator
@inline
function answerEntry(out: usize, entry: usize): void {
  if (!entry) return answerReason(out, DROP_POLICY_IMAGE);
  const word = load<u64>(entry, POLICY_ENTRY_COOKIE_OFF);
  const verdict = word >> (<u64>(POLICY_ENTRY_VERDICT_OFF - POLICY_ENTRY_COOKIE_OFF) << 3) & 0xFF;
  store<u64>(out, (word & 0xFFFFFFFF) | verdict << 32);
}

/** Where packets of IPv4 are staged. */
// @ts-ignore: decorator
@inline
function staged4(): usize {
  return own + CLASSIFY_OFF;
}

/** Where packets of IPv6 are staged. */
// @ts-ignore: decorator
@inline
function staged6(): usize {
  return own + CLASSIFY_OFF + <usize>STAGE * STAGED_SIZE;
}

// @ts-ignore: decorator
@inline
function stageWords(at: usize, keyAndDestination: u64, policy: usize, out: usize): void {
  store<u64>(at, keyAndDestination);
  store<u64>(at, <u64>policy | <u64>out << 32, POLICY_OFF);
}

// @ts-ignore: decorator
@inline
function stage(at: usize, key: u32, destination: u32, policy: usize, out: usize): void {
  stageWords(at, <u64>key | <u64>destination << 32, policy, out);
}

/** Stages what is not plain, where its family's next one stands. Returns the family, 0: answered. */
function stageParsed(
  data: usize,
  length: u32,
  policy: usize,
  out: usize,
  at4: usize,
  at6: usize,
): u32 {
  clearPacket();
  const reason = parsePacket(data, length);
  if (reason) {
    answerReason(out, <u32>reason);
    return 0;
  }
  const ip = data + <usize>ETH_HLEN;
  const key = policyKey(packet.protocol, packet.policyPort);
  if (packet.family == 4) {
    stage(at4, key, load<u32>(ip, IPV4_DADDR_OFF), policy, out);
    return 4;
  }
  stage(at6, key, <u32>(ip + IPV6_DADDR_OFF), policy, out);
  return 6;
}

/** Address of the struct policy_table of an endpoint, whose number may be any. */
// @ts-ignore: decorator
@inline
function policyOf(endpoint: u32): usize {
  if (endpoint >= MAX_ENDPOINTS) return policyTable(0);
  return policyTable(load<u32>(endpointPolicy(endpoint), ENDPOINT_POLICY_POLICY_OFF));
}

/**
 * First stage: what the other two need of the headers. Returns how many bytes are staged,
 * of IPv6 << 16 | of IPv4.
 */
// @ts-ignore: decorator
@inline
function parseStage(slots: usize, count: u32, output: usize): u32 {
  let at4 = staged4();
  let at6 = staged6();
  const end = slots + <usize>count * PACKET_SLOT_SIZE;
  for (; slots < end; slots += PACKET_SLOT_SIZE, output += 8) {
    const length = min(load<u32>(slots, PACKET_SLOT_LENGTH_OFF), PACKET_DATA_BYTES);
    const endpoint = load<u32>(slots, PACKET_SLOT_ENDPOINT_OFF);
    const policy = policyOf(endpoint);
    const data = slots + PACKET_SLOT_DATA_OFF;
    if (length >= PLAIN_MIN) {
      const start = load<u64>(data, PLAIN_START_OFF);
      const rest = load<u32>(data, PLAIN_REST_OFF);
      if (isPlain4(start, rest, length)) {
        stageWords(at4, plainKeyAndDestination4(data), policy, output);
        at4 += STAGED_SIZE;
        continue;
      }
      if (isPlain6(start, rest, length)) {
        const port = bswap<u16>(load<u16>(data + <usize>PLAIN6_L4, L4_DPORT_OFF));
        const key = policyKey(plainProtocol6(rest), port);
        stage(at6, key, <u32>(data + <usize>ETH_HLEN + IPV6_DADDR_OFF), policy, output);
        at6 += STAGED_SIZE;
        continue;
      }
    }
    const family = stageParsed(data, length, policy, output, at4, at6);
    if (family == 4) at4 += STAGED_SIZE;
    if (family == 6) at6 += STAGED_SIZE;
  }
  return <u32>(at4 - staged4()) | <u32>(at6 - staged6()) << 16;
}

/** Second stage: the slot of each destination. */
// @ts-ignore: decorator
@inline
function identityStage(staged: usize, end: usize, family: u32): void {
  for (; staged < end; staged += STAGED_SIZE) {
    const address = family == 4
      ? staged + DESTINATION_OFF
      : <usize>load<u32>(staged, DESTINATION_OFF);
    store<u32>(staged, <u32>(ipcacheLookup(family, address) >> 32), SLOT_OFF);
  }
}

/** The table that a policy has now; 0: it has none. */
// @ts-ignore: decorator
@inline
function currentTable(policy: usize): u32 {
  return policy ? <u32>loadPolicyTable(policy) : 0;
}

/** Last stage: the verdicts. What one policy's packets have in common is found once. */
function policyStage(staged: usize, end: usize): void {
  let open: u32 = 0;
  for (; staged < end; staged += STAGED_SIZE) {
    const table = currentTable(<usize>load<u32>(staged, POLICY_OFF));
    const out = <usize>load<u32>(staged, ANSWER_OFF);
    if (!table) {
      answerReason(out, DROP_EP_NOT_READY);
      continue;
    }
    if (table != open) {
      openImage(table, DIRECTION_EGRESS);
      open = table;
    }
    answerEntry(out, openImageLookup(load<u32>(staged, SLOT_OFF), load<u32>(staged, KEY_OFF)));
  }
}

/** Parse, identity of the destination, egress policy: the path without conntrack. */
export function classifyPackets(input: usize, count: u32, output: usize): void {
  for (let done: u32 = 0; done < count; done += STAGE) {
    announceEpoch();
    const staged = parseStage(
      input + <usize>done * PACKET_SLOT_SIZE,
      min(count - done, STAGE),
      output + (<usize>done << 3),
    );
    const end4 = staged4() + <usize>(staged & 0xFFFF);
    const end6 = staged6() + <usize>(staged >> 16);
    identityStage(staged4(), end4, 4);
    identityStage(staged6(), end6, 6);
    policyStage(staged4(), end4);
    policyStage(staged6(), end6);
  }
  leaveEpoch();
}

/** Policy lookups alone. */
export function lookupPolicies(queries: usize, count: u32, output: usize): void {
  announceEpoch();
  for (let i: u32 = 0; i < count; ++i) {
    const query = queries + (<usize>i << 4);
    const out = output + (<usize>i << 3);
    const table = currentTable(policyTable(load<u32>(query)));
    if (!table) {
      answerReason(out, DROP_EP_NOT_READY);
      continue;
    }
    const direction = load<u32>(query, 4) & 1;
    const slot = load<u32>(query, 8);
    answerEntry(out, policyTableLookup(table, direction, slot, load<u32>(query, 12)));
  }
  leaveEpoch();
}
