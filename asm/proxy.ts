import { allocateZeroed } from "./arena";
import {
  DROP_PROXY_LOOKUP_FAILED,
  DROP_PROXY_UNKNOWN_PROTO,
  MARK_TO_PROXY,
  MAX_REDIRECTS,
} from "./layout";
import { IPPROTO_TCP, IPPROTO_UDP } from "./net";
import { packet, verdict } from "./packet";

/* bpf/proxy.h in AssemblyScript, and the array of redirects: id → port, u32 each. */

/** Address of the array, in memory: every worker reads it. */
const redirects: usize = memory.data(4, 4);

export function initRedirects(): bool {
  const array = allocateZeroed(<usize>MAX_REDIRECTS << 2);
  store<u32>(redirects, <u32>array);
  return array != 0;
}

export function clearRedirects(): void {
  memory.fill(redirectPort(0), 0, <usize>MAX_REDIRECTS << 2);
}

/** Address of a redirect's port. The id is known to be in range. */
export function redirectPort(id: u32): usize {
  return <usize>load<u32>(redirects) + (<usize>id << 2);
}

/**
 * Finds the proxy of a verdict that asks for one. Returns 0 or a drop reason: what should be
 * read by a proxy never passes unread.
 */
export function proxyResolve(): i32 {
  const id = <u32>verdict.redirect;
  if (packet.protocol != IPPROTO_TCP && packet.protocol != IPPROTO_UDP) {
    return DROP_PROXY_UNKNOWN_PROTO;
  }
  if (id >= MAX_REDIRECTS) return DROP_PROXY_LOOKUP_FAILED;
  verdict.proxyPort = <u16>load<u32>(redirectPort(id));
  return verdict.proxyPort ? 0 : DROP_PROXY_LOOKUP_FAILED;
}

export function proxyMark(port: u32): u32 {
  return port << 16 | MARK_TO_PROXY;
}
