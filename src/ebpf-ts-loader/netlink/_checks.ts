import { AF } from "../sys/mod.ts";

/** The address family's number for an address, by its length. */
export function familyOf(address: Uint8Array): number {
  if (address.length === 4) return AF.INET;
  if (address.length === 16) return AF.INET6;
  throw new TypeError(`Cannot use address "${address}": ${address.length} bytes, expected 4 or 16`);
}

/** Checks an interface index. */
export function assertIfindex(ifindex: number): void {
  if (!Number.isInteger(ifindex) || ifindex < 1 || ifindex > 0x7fffffff) {
    throw new RangeError(`Cannot use interface "${ifindex}": out of range, expected 1 to 2³¹ − 1`);
  }
}

/** Checks a prefix length against its address. */
export function assertPrefixLength(address: Uint8Array, prefixLength: number): void {
  const bits = address.length * 8;
  if (!Number.isInteger(prefixLength) || prefixLength < 0 || prefixLength > bits) {
    throw new RangeError(
      `Cannot use prefix length "${prefixLength}": out of range, expected 0 to ${bits}`,
    );
  }
}

const NAME_MAX = 15;

/** Checks an interface name as the kernel does (`dev_valid_name`). */
export function assertName(name: string): void {
  const bytes = new TextEncoder().encode(name);
  const valid = bytes.length > 0 && bytes.length <= NAME_MAX && name !== "." && name !== ".." &&
    !/[/:\s\0]/.test(name);
  if (!valid) {
    throw new TypeError(
      `Cannot use interface name ${JSON.stringify(name.slice(0, 64))}: not valid, ` +
        `expected 1 to ${NAME_MAX} bytes without "/", ":" and spaces`,
    );
  }
}

/** Checks a MAC address. */
export function assertMac(mac: Uint8Array): void {
  if (mac.length !== 6) {
    throw new TypeError(`Cannot use MAC address "${mac}": ${mac.length} bytes, expected 6`);
  }
}

/** Checks a number that travels as a u32. */
export function assertU32(what: string, value: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff) return;
  throw new RangeError(`Cannot use ${what} "${value}": out of range, expected 0 to 2³² − 1`);
}
