import { type IpAddress, ipAddressFromWords, tryParseIpAddress } from "./ip_address.ts";

/** A block of addresses. Blocks are equal exactly when their `text` is. */
export interface IpPrefix {
  /** First address of the block: the bits after `length` are 0. */
  readonly address: IpAddress;
  /** Length of the prefix in bits: 0 to 32 for IPv4, 0 to 128 for IPv6. */
  readonly length: number;
  /** Canonical form, `10.0.0.0/8`. */
  readonly text: string;
}

/**
 * Parses `address/length`. Bits after the length are cleared: `10.1.2.3/8` is
 * `10.0.0.0/8`, as Cilium and Kubernetes read it.
 *
 * Refuses a missing length, a length with a sign or leading zeros, and netmasks.
 *
 * @throws {SyntaxError} when the text is not a prefix.
 */
export function parseIpPrefix(text: string): IpPrefix {
  const prefix = tryParseIpPrefix(text);
  if (prefix !== undefined) return prefix;
  throw new SyntaxError(
    `Cannot parse prefix ${JSON.stringify(text)}: not a prefix, expected address/length`,
  );
}

/** Like {@linkcode parseIpPrefix}, with `undefined` for what is not a prefix. */
export function tryParseIpPrefix(text: string): IpPrefix | undefined {
  const slash = text.indexOf("/");
  if (slash < 0) return undefined;
  const address = tryParseIpAddress(text.slice(0, slash));
  const lengthText = text.slice(slash + 1);
  if (address === undefined || !/^(0|[1-9][0-9]{0,2})$/.test(lengthText)) return undefined;
  const length = Number(lengthText);
  return length <= widthOf(address) ? ipPrefixOf(address, length) : undefined;
}

/**
 * Returns the block of the given length that holds the address; the whole address
 * where no length is given.
 *
 * @throws {RangeError} when the family has no such length.
 */
export function ipPrefixOf(address: IpAddress, length = widthOf(address)): IpPrefix {
  if (!Number.isInteger(length) || length < 0 || length > widthOf(address)) {
    throw new RangeError(
      `Cannot make prefix of "${address.text}": length ${length}, expected 0 to ${
        widthOf(address)
      }`,
    );
  }
  const [a, b, c, d] = address.words;
  const first = ipAddressFromWords(address.family, [
    (a & maskWord(length)) >>> 0,
    (b & maskWord(length - 32)) >>> 0,
    (c & maskWord(length - 64)) >>> 0,
    (d & maskWord(length - 96)) >>> 0,
  ]);
  return { address: first, length, text: `${first.text}/${length}` };
}

/** Tells whether every address of `inner` is one of `outer`. */
export function containsPrefix(outer: IpPrefix, inner: IpPrefix): boolean {
  return outer.length <= inner.length && containsAddress(outer, inner.address);
}

/** Tells whether the block holds the address. */
export function containsAddress(
  { address, length }: IpPrefix,
  { family, words }: IpAddress,
): boolean {
  if (address.family !== family) return false;
  const [a, b, c, d] = address.words;
  if (((a ^ words[0]) & maskWord(length)) !== 0) return false;
  if (length <= 32) return true;
  return ((b ^ words[1]) & maskWord(length - 32)) === 0 &&
    ((c ^ words[2]) & maskWord(length - 64)) === 0 &&
    ((d ^ words[3]) & maskWord(length - 96)) === 0;
}

function widthOf(address: IpAddress): number {
  return address.family === 4 ? 32 : 128;
}

/** Mask of one 32-bit word of which `bits` count. Shifts by 32 are shifts by 0, hence the ends. */
function maskWord(bits: number): number {
  if (bits <= 0) return 0;
  return bits >= 32 ? -1 : -1 << (32 - bits);
}
