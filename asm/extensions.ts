import { DROP_INVALID_EXTHDR } from "./layout";
import {
  IPPROTO_AH,
  IPPROTO_DSTOPTS,
  IPPROTO_FRAGMENT,
  IPPROTO_HOPOPTS,
  IPPROTO_ROUTING,
  IPV6_EXTENSION_FRAGMENT_OFF,
  IPV6_EXTENSION_ID_OFF,
  IPV6_EXTENSION_LEN,
  IPV6_EXTENSION_LENGTH_OFF,
  IPV6_FRAGMENT_OFFSET,
  IPV6_MORE_FRAGMENTS,
} from "./net";
import { FRAGMENT_FIRST, FRAGMENT_LATER, FRAGMENT_NONE } from "./packet";

/*
 * skip_extensions() of bpf/parse.h in AssemblyScript. Where the walk stands is kept here:
 * one walk is under way at a time.
 */

/** Extension headers that a packet may have; as in bpf/parse.h. */
const IPV6_EXTENSIONS_MAX: u32 = 8;

/** Bytes of the chain that have been walked. */
export let walkedBytes: u32 = 0;
/** Protocol of the header behind them. */
export let walkedNextHeader: u32 = 0;
/** FRAGMENT_* and, network byte order, the id of the fragment header, if there was one. */
export let walkedFragment: u32 = 0;
export let walkedFragmentId: u32 = 0;

// @ts-ignore: decorator
@inline
export function isExtension(protocol: u32): bool {
  return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING ||
    protocol == IPPROTO_FRAGMENT || protocol == IPPROTO_AH || protocol == IPPROTO_DSTOPTS;
}

/**
 * Walks from the header of number `nextHeader` at `at`, which has `length` bytes of the IP
 * packet, to the first one that is no extension, or to the end of what a later fragment
 * tells. Returns 0 or a drop reason.
 */
export function skipExtensions(nextHeader: u32, at: usize, length: u32): i32 {
  walkedBytes = 0;
  walkedNextHeader = nextHeader;
  walkedFragment = FRAGMENT_NONE;
  walkedFragmentId = 0;
  let fragmented = false;
  for (let i: u32 = 0; i < IPV6_EXTENSIONS_MAX; ++i) {
    if (!isExtension(walkedNextHeader)) return 0;
    if (length - walkedBytes < IPV6_EXTENSION_LEN) return DROP_INVALID_EXTHDR;
    const header = at + <usize>walkedBytes;
    const units = <u32>load<u8>(header, IPV6_EXTENSION_LENGTH_OFF);
    const fragment = <u32>bswap<u16>(load<u16>(header, IPV6_EXTENSION_FRAGMENT_OFF));
    let bytes = (units + 1) * 8;
    switch (walkedNextHeader) {
      case IPPROTO_HOPOPTS:
        if (i) return DROP_INVALID_EXTHDR;
        break;
      case IPPROTO_ROUTING:
        // The low byte holds the segments left.
        if (fragment & 0xFF) return DROP_INVALID_EXTHDR;
        break;
      case IPPROTO_AH:
        bytes = (units + 2) * 4;
        break;
      case IPPROTO_FRAGMENT:
        if (fragmented) return DROP_INVALID_EXTHDR;
        fragmented = true;
        bytes = IPV6_EXTENSION_LEN;
        walkedFragmentId = load<u32>(header, IPV6_EXTENSION_ID_OFF);
        if (fragment & IPV6_FRAGMENT_OFFSET) walkedFragment = FRAGMENT_LATER;
        else if (fragment & IPV6_MORE_FRAGMENTS) walkedFragment = FRAGMENT_FIRST;
    }
    if (bytes > length - walkedBytes) return DROP_INVALID_EXTHDR;
    walkedBytes += bytes;
    walkedNextHeader = <u32>load<u8>(header);
    if (walkedFragment == FRAGMENT_LATER) return 0;
  }
  return isExtension(walkedNextHeader) ? DROP_INVALID_EXTHDR : 0;
}
