import { DROP_INVALID } from "./layout";

/* bpf/ipv4_options.h in AssemblyScript. */

const IPV4_OPTION_END: u32 = 0;
const IPV4_OPTION_NOOP: u32 = 1;
const IPV4_OPTION_LOOSE_ROUTE: u32 = 131;
const IPV4_OPTION_STRICT_ROUTE: u32 = 137;
/** Type and length, which counts both. */
const IPV4_OPTION_HLEN: u32 = 2;

/** Reads `length` bytes of options. Returns 0 or a drop reason. */
export function checkIpv4Options(options: usize, length: u32): i32 {
  for (let at: u32 = 0; at < length;) {
    const type = <u32>load<u8>(options + <usize>at);
    if (type == IPV4_OPTION_END) return 0;
    if (type == IPV4_OPTION_NOOP) {
      ++at;
      continue;
    }
    if (type == IPV4_OPTION_LOOSE_ROUTE || type == IPV4_OPTION_STRICT_ROUTE) return DROP_INVALID;
    if (length - at < IPV4_OPTION_HLEN) return DROP_INVALID;
    const bytes = <u32>load<u8>(options + <usize>at, 1);
    if (bytes < IPV4_OPTION_HLEN || bytes > length - at) return DROP_INVALID;
    at += bytes;
  }
  return 0;
}
