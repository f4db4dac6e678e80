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

/*
 * bpf/policy.h in AssemblyScript: (policy number, direction, peer's slot, protocol,
 * port) → verdict. Returns 0 (go on) or a drop reason.
 */
export function policyDecide(policy: u32, direction: u32, slot: u32): i32 {
  const current = policyTable(policy);
  if (!current) return DROP_EP_NOT_READY;
  const table = loadPolicyTable(current);
  if (!<u32>table) return DROP_EP_NOT_READY;
  verdict.revision = <u32>(table >> 32);
  const key = policyKey(packet.protocol, packet.policyPort);
  const entry = policyTableLookup(<u32>table, direction, slot, key);
  if (!entry) return DROP_POLICY_IMAGE;
  verdict.cookie = load<u32>(entry, POLICY_ENTRY_COOKIE_OFF);
  verdict.verdict = load<u8>(entry, POLICY_ENTRY_VERDICT_OFF);
  verdict.matchType = load<u8>(entry, POLICY_ENTRY_MATCH_TYPE_OFF);
  verdict.prefixLength = load<u8>(entry, POLICY_ENTRY_PREFIX_LEN_OFF);
  switch (<u32>verdict.verdict) {
    case VERDICT_ALLOW:
      return load<u8>(entry, POLICY_ENTRY_AUTH_TYPE_OFF) ? DROP_AUTH_REQUIRED : 0;
    case VERDICT_DENY:
      return DROP_POLICY_DENY;
    case VERDICT_REDIRECT:
      if (load<u8>(entry, POLICY_ENTRY_AUTH_TYPE_OFF)) return DROP_AUTH_REQUIRED;
      verdict.redirect = load<u16>(entry, POLICY_ENTRY_REDIRECT_OFF);
      return 0;
    default:
      return DROP_POLICY;
  }
}
