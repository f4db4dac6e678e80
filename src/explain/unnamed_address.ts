import { type IpAddress, ipAddressFromWords, parseIpAddress } from "../cluster/ip_address.ts";
import { containsAddress, type IpPrefix } from "../cluster/ip_prefix.ts";

/** Addresses for documentation, which real clusters do not use. */
const FIRST_CHOICE = { 4: parseIpAddress("192.0.2.1"), 6: parseIpAddress("2001:db8::1") } as const;

/**
 * Finds an address of which nothing is known: no block holds it but those of every address.
 *
 * @returns `undefined` where the blocks leave no address out.
 */
export function unnamedAddress(
  family: 4 | 6,
  blocks: readonly IpPrefix[],
): IpAddress | undefined {
  const named = blocks.filter(({ address, length }) => address.family === family && length > 0);
  const isFree = (address: IpAddress) => !named.some((block) => containsAddress(block, address));
  if (isFree(FIRST_CHOICE[family])) return FIRST_CHOICE[family];
  // A gap begins behind a block, or at the very start.
  const zero = ipAddressFromWords(family, [0, 0, 0, 0]);
  for (const candidate of [...named.map(nextAfter), zero]) {
    if (candidate !== undefined && isFree(candidate)) return candidate;
  }
  return undefined;
}

/** The first address behind a block; `undefined` behind the last one. */
function nextAfter({ address, length }: IpPrefix): IpAddress | undefined {
  const words = [...address.words];
  const last = address.family === 4 ? 0 : 3;
  // Adds the block's size: one, in the word and bit where the prefix ends.
  let at = Math.min(Math.floor((length - 1) / 32), last);
  let sum = (words[at] ?? 0) + 2 ** (31 - (length - 1) % 32);
  for (;;) {
    words[at] = sum % 2 ** 32;
    if (sum < 2 ** 32) break;
    if (at === 0) return undefined;
    at--;
    sum = (words[at] ?? 0) + 1;
  }
  const [a = 0, b = 0, c = 0, d = 0] = words;
  return ipAddressFromWords(address.family, [a, b, c, d]);
}
