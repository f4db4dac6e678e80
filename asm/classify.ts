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
import { clearPacket, DADDR_OFF, packet } from "./packet";
import { parsePacket } from "./parse";
import { CLASSIFY_OFF, own } from "./worker";

/*
 * Policy without conntrack: what a packet would meet if it were the first of its flow.
 *
 *   query   ┌ policy ┬ direction ┬ slot ┬ key ┐  u32 each
 *   answer  ┌ cookie ┬ verdict, with reason << 8 when no entry was reached ┐  u32 each
 *
 * A batch goes through stage by stage, a few packets at a time: within a stage no packet waits
 * for another, so the processor has many of their cache misses under way at once, where a whole
 * packet's instructions would fill its window (the vectors of FD.io's VPP).
 *
 *   staged  ┌ address (16) ┬ policy ┬ key ┬ slot ┬ family, 0: answered ┐
 */

/** Packets in a stage: few enough to stay in the first-level cache. */
const STAGE: u32 = 32;
const STAGED_SIZE: usize = 32;
const POLICY_OFF: usize = 16;
const KEY_OFF: usize = 20;
const SLOT_OFF: usize = 24;
const FAMILY_OFF: usize = 28;

// @ts-ignore: decorator
@inline
function answerReason(out: usize, reason: u32): void {
  store<u64>(out, <u64>(reason << 8) << 32);
}

// @ts-ignore: decorator
@inline
function answer(out: usize, policy: u32, direction: u32, slot: u32, key: u32): void {
  const current = policyTable(policy);
  const table = current ? <u32>loadPolicyTable(current) : 0;
  if (!table) return answerReason(out, DROP_EP_NOT_READY);
  const entry = policyTableLookup(table, direction, slot, key);
  if (!entry) return answerReason(out, DROP_POLICY_IMAGE);
  store<u32>(out, load<u32>(entry, POLICY_ENTRY_COOKIE_OFF));
  store<u32>(out, <u32>load<u8>(entry, POLICY_ENTRY_VERDICT_OFF), 4);
}

/** First stage: what the other two need of the headers. */
// @ts-ignore: decorator
@inline
function parseStage(slots: usize, count: u32, output: usize, staged: usize): void {
  for (let i: u32 = 0; i < count; ++i, slots += PACKET_SLOT_SIZE, staged += STAGED_SIZE) {
    clearPacket();
    const length = min(load<u32>(slots, PACKET_SLOT_LENGTH_OFF), PACKET_DATA_BYTES);
    const reason = parsePacket(slots + PACKET_SLOT_DATA_OFF, length);
    if (reason) {
      store<u32>(staged, 0, FAMILY_OFF);
      answerReason(output + (<usize>i << 3), <u32>reason);
      continue;
    }
    const endpoint = load<u32>(slots, PACKET_SLOT_ENDPOINT_OFF);
    const policy = endpoint < MAX_ENDPOINTS
      ? load<u32>(endpointPolicy(endpoint), ENDPOINT_POLICY_POLICY_OFF)
      : 0;
    v128.store(staged, v128.load(changetype<usize>(packet), DADDR_OFF));
    store<u32>(staged, policy, POLICY_OFF);
    store<u32>(staged, policyKey(packet.protocol, packet.policyPort), KEY_OFF);
    store<u32>(staged, packet.family, FAMILY_OFF);
  }
}

/** Second stage: the slot of each destination. */
// @ts-ignore: decorator
@inline
function identityStage(count: u32, staged: usize): void {
  for (let i: u32 = 0; i < count; ++i, staged += STAGED_SIZE) {
    const family = load<u32>(staged, FAMILY_OFF);
    if (!family) continue;
    store<u32>(staged, <u32>(ipcacheLookup(family, staged) >> 32), SLOT_OFF);
  }
}

/** Last stage: the verdicts. */
// @ts-ignore: decorator
@inline
function policyStage(count: u32, output: usize, staged: usize): void {
  for (let i: u32 = 0; i < count; ++i, staged += STAGED_SIZE) {
    if (!load<u32>(staged, FAMILY_OFF)) continue;
    answer(
      output + (<usize>i << 3),
      load<u32>(staged, POLICY_OFF),
      DIRECTION_EGRESS,
      load<u32>(staged, SLOT_OFF),
      load<u32>(staged, KEY_OFF),
    );
  }
}

/** Parse, identity of the destination, egress policy: the path without conntrack. */
export function classifyPackets(input: usize, count: u32, output: usize): void {
  const staged = own + CLASSIFY_OFF;
  for (let done: u32 = 0; done < count; done += STAGE) {
    const packets = min(count - done, STAGE);
    const answers = output + (<usize>done << 3);
    announceEpoch();
    parseStage(input + <usize>done * PACKET_SLOT_SIZE, packets, answers, staged);
    identityStage(packets, staged);
    policyStage(packets, answers, staged);
  }
  leaveEpoch();
}

/** Policy lookups alone. */
export function lookupPolicies(queries: usize, count: u32, output: usize): void {
  announceEpoch();
  for (let i: u32 = 0; i < count; ++i) {
    const query = queries + (<usize>i << 4);
    answer(
      output + (<usize>i << 3),
      load<u32>(query),
      load<u32>(query, 4) & 1,
      load<u32>(query, 8),
      load<u32>(query, 12),
    );
  }
  leaveEpoch();
}
