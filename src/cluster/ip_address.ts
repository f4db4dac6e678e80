/**
 * Strict IP addresses. Lenient readers are a policy bypass: `010.0.0.1` is 8.0.0.1
 * to one library and 10.0.0.1 to another, so it is neither here.
 *
 * @module
 */

/** An address as numbers. Addresses are equal exactly when their `text` is. */
export interface IpAddress {
  readonly family: 4 | 6;
  /**
   * Unsigned 32-bit words in host order, most significant first. IPv4 uses the
   * first word and leaves the others 0.
   */
  readonly words: readonly [number, number, number, number];
  /** Canonical form: dotted quad, or RFC 5952 with hexadecimal groups only. */
  readonly text: string;
}

/**
 * Parses an IPv4 or IPv6 address.
 *
 * Refuses leading zeros in dotted quads, fewer than four parts, zones (`%eth0`),
 * prefixes (`/24`), ports, brackets and white space.
 *
 * @throws {SyntaxError} when the text is not an address.
 */
export function parseIpAddress(text: string): IpAddress {
  const address = tryParseIpAddress(text);
  if (address !== undefined) return address;
  throw new SyntaxError(
    `Cannot parse address ${JSON.stringify(text)}: not an address, ` +
      `expected IPv4 without leading zeros or IPv6 without a zone`,
  );
}

/** Like {@linkcode parseIpAddress}, with `undefined` for what is not an address. */
export function tryParseIpAddress(text: string): IpAddress | undefined {
  const v4 = parseQuad(text);
  if (v4 !== undefined) return { family: 4, words: [v4, 0, 0, 0], text };
  const groups = parseGroups(text);
  if (groups === undefined) return undefined;
  const words: [number, number, number, number] = [0, 0, 0, 0];
  groups.forEach((group, i) => {
    words[i >> 1] = ((words[i >> 1] ?? 0) * 0x10000 + group) >>> 0;
  });
  return { family: 6, words, text: formatGroups(groups) };
}

/** Makes an address from its words (unsigned 32-bit, host order, as in {@linkcode IpAddress}). */
export function ipAddressFromWords(
  family: 4 | 6,
  words: readonly [number, number, number, number],
): IpAddress {
  if (family === 4) {
    const [w] = words;
    return {
      family,
      words: [w, 0, 0, 0],
      text: `${w >>> 24}.${w >>> 16 & 255}.${w >>> 8 & 255}.${w & 255}`,
    };
  }
  const groups = words.flatMap((word) => [word >>> 16, word & 0xffff]);
  return { family, words, text: formatGroups(groups) };
}

const OCTET = /^(0|[1-9][0-9]{0,2})$/;
const GROUP = /^[0-9a-fA-F]{1,4}$/;

function parseQuad(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let word = 0;
  for (const part of parts) {
    if (!OCTET.test(part) || Number(part) > 255) return undefined;
    word = word * 256 + Number(part);
  }
  return word;
}

function parseGroups(text: string): number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [headText = "", tailText] = halves;
  const compressed = tailText !== undefined;
  const head = parseHalf(headText, !compressed);
  const tail = compressed ? parseHalf(tailText, true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  // "::" stands for at least one group of zeros.
  if (compressed ? missing < 1 : missing !== 0) return undefined;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}

function parseHalf(text: string, last: boolean): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    if (GROUP.test(part)) {
      groups.push(parseInt(part, 16));
      continue;
    }
    // A dotted quad may stand for the last two groups.
    const quad = last && i === parts.length - 1 ? parseQuad(part) : undefined;
    if (quad === undefined) return undefined;
    groups.push(quad >>> 16, quad & 0xffff);
  }
  return groups;
}

/** RFC 5952: lower case, no leading zeros, the first longest run of two or more zeros as "::". */
function formatGroups(groups: readonly number[]): string {
  let start = -1;
  let length = 1;
  for (let i = 0; i < groups.length; i++) {
    let end = i;
    while (end < groups.length && groups[end] === 0) end++;
    if (end - i > length) [start, length] = [i, end - i];
    if (end > i) i = end;
  }
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(":");
  if (start < 0) return hex(groups);
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}
