import { loadPolicyTable, policyTable } from "./endpoints";
import { policyKey, policyTableLookup } from "./image";
import {
  DROP_AUTH_REQUIRED,
  DROP_EP_NOT_READY,
  DROP_POLICY,
  DROP_POLICY_DENY,
  DROP_POLICY_IMAGE,
  POLICY_ENTRY_AUTH_TYPE_OFF,
  POLICY_ENTRY_COOKIE_OFF,
  POLICY_ENTRY_MATCH_TYPE_OFF,
  POLICY_ENTRY_PREFIX_LEN_OFF,
  POLICY_ENTRY_REDIRECT_OFF,
  POLICY_ENTRY_VERDICT_OFF,
  VERDICT_ALLOW,
  VERDICT_DENY,
  VERDICT_REDIRECT,
} from "./layout";
import { packet, verdict } from "./packet";

/** A byte of an entry, by its offset, from the word that begins with the redirect id. */
// @ts-ignore: decorator
@inline
function byteOf(word: u64, offset: usize): u32 {
  return <u32>(word >> (<u64>(offset - POLICY_ENTRY_REDIRECT_OFF) << 3)) & 0xFF;
}

/*
 * bpf/policy.h in AssemblyScript: (policy number, direction, peer's slot, protocol,
 * port) → verdict. Returns 0 (go on) or a drop reason.
 */
// @ts-ignore: decorator
@inline
export function policyDecide(policy: u32, direction: u32, slot: u32): i32 {
  const current = policyTable(policy);
  if (!current) return DROP_EP_NOT_READY;
  const table = loadPolicyTable(current);
  if (!<u32>table) return DROP_EP_NOT_READY;
  verdict.revision = <u32>(table >> 32);
  const key = policyKey(packet.protocol, packet.policyPort);
  const entry = policyTableLookup(<u32>table, direction, slot, key);
  if (!entry) return DROP_POLICY_IMAGE;
  // Two loads for all fields: each is compared with the end of memory.
  const word = load<u64>(entry, POLICY_ENTRY_REDIRECT_OFF);
  const decided = byteOf(word, POLICY_ENTRY_VERDICT_OFF);
  verdict.cookie = load<u32>(entry, POLICY_ENTRY_COOKIE_OFF);
  verdict.verdict = <u8>decided;
  verdict.matchType = <u8>byteOf(word, POLICY_ENTRY_MATCH_TYPE_OFF);
  verdict.prefixLength = <u8>byteOf(word, POLICY_ENTRY_PREFIX_LEN_OFF);
  switch (decided) {
    case VERDICT_ALLOW:
      return byteOf(word, POLICY_ENTRY_AUTH_TYPE_OFF) ? DROP_AUTH_REQUIRED : 0;
    case VERDICT_DENY:
      return DROP_POLICY_DENY;
    case VERDICT_REDIRECT:
      if (byteOf(word, POLICY_ENTRY_AUTH_TYPE_OFF)) return DROP_AUTH_REQUIRED;
      verdict.redirect = <u16>word;
      return 0;
    default:
      return DROP_POLICY;
  }
}
