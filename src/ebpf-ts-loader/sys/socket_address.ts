/** Where a socket is, or talks to. */
export interface SocketAddress {
  /** 4 bytes (IPv4) or 16 bytes (IPv6), network byte order. */
  readonly address: Uint8Array;
  /** Port, host byte order; 0 lets the kernel choose. Meaningless for ICMP. */
  readonly port: number;
  /** Interface index; needed for IPv6 link-local addresses. @default {0} */
  readonly scopeId?: number | undefined;
}

/**
 * Address families of socket(2).
 *
 * @example Usage
 * ```ts
 * import { AF } from "ebpf-ts-loader/sys";
 * import { assertEquals } from "@std/assert";
 * assertEquals([AF.INET, AF.INET6], [2, 10]);
 * ```
 */
export const AF = { INET: 2, INET6: 10, NETLINK: 16 } as const;

/** Bytes of the longest address that {@linkcode decodeSocketAddress} reads. */
export const SOCKADDR_MAX = 28;

/**
 * `struct sockaddr_in` or `sockaddr_in6` for an address.
 *
 * @example Usage
 * ```ts
 * import { decodeSocketAddress, encodeSocketAddress } from "ebpf-ts-loader/sys";
 * import { assertEquals } from "@std/assert";
 * const local = { address: Uint8Array.of(127, 0, 0, 1), port: 80 };
 * assertEquals(decodeSocketAddress(encodeSocketAddress(local)).port, 80);
 * ```
 */
export function encodeSocketAddress(
  { address, port, scopeId = 0 }: SocketAddress,
): Uint8Array<ArrayBuffer> {
  if (!Number.isInteger(port) || port < 0 || port > 0xffff) {
    throw new RangeError(`Cannot use port "${port}": out of range, expected 0 to 65535`);
  }
  if (!Number.isInteger(scopeId) || scopeId < 0 || scopeId > 0xffffffff) {
    throw new RangeError(
      `Cannot use scope id "${scopeId}": out of range, expected an interface index`,
    );
  }
  const v4 = address.length === 4;
  if (!v4 && address.length !== 16) {
    throw new TypeError(
      `Cannot use address "${address}": ${address.length} bytes, expected 4 or 16`,
    );
  }
  const bytes = new Uint8Array(v4 ? 16 : 28);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, v4 ? AF.INET : AF.INET6, true); // host order on x86-64 and arm64
  view.setUint16(2, port);
  bytes.set(address, v4 ? 4 : 8);
  if (!v4) view.setUint32(24, scopeId, true);
  return bytes;
}

/**
 * Reads what the kernel wrote into a `struct sockaddr`.
 *
 * @throws {TypeError} If it is neither an IPv4 nor a complete IPv6 address.
 *
 * @example Usage
 * ```ts
 * import { decodeSocketAddress, encodeSocketAddress } from "ebpf-ts-loader/sys";
 * import { assertEquals } from "@std/assert";
 * const bytes = encodeSocketAddress({ address: Uint8Array.of(10, 0, 0, 1), port: 53 });
 * assertEquals(decodeSocketAddress(bytes).address, Uint8Array.of(10, 0, 0, 1));
 * ```
 */
export function decodeSocketAddress(bytes: Uint8Array): SocketAddress {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const family = bytes.length >= 2 ? view.getUint16(0, true) : 0;
  if (family === AF.INET && bytes.length >= 16) {
    return { address: bytes.slice(4, 8), port: view.getUint16(2) };
  }
  if (family === AF.INET6 && bytes.length >= 28) {
    const scopeId = view.getUint32(24, true);
    return { address: bytes.slice(8, 24), port: view.getUint16(2), scopeId };
  }
  throw new TypeError(
    `Cannot read socket address "${bytes}": family ${family}, expected AF_INET or AF_INET6`,
  );
}
