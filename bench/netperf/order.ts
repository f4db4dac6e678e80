/** What a thread at one end of a connection is told to do; the other end is told the same. */
export interface Order {
  /**
   * `transactions`: a byte there and a byte back, `count` times.
   * `stream`: `count` × {@linkcode BLOCK_BYTES} there, one byte back.
   * `datagrams`: `count` datagrams there, one back for each {@linkcode WINDOW}.
   * `flows`: `count` datagrams there, each from a port of its own.
   */
  readonly kind: "transactions" | "stream" | "datagrams" | "flows";
  readonly end: "client" | "server";
  /** A connected, blocking socket. */
  readonly fd: number;
  readonly count: number;
  /** Counts the datagrams of `flows` that have arrived; both ends share it. */
  readonly arrived: Int32Array;
  /** Of `flows`: the datagram as the client sends it, IP header and all, but for its ports. */
  readonly template: Uint8Array<ArrayBuffer>;
  /** Of `flows`: the first source port, which must not have been used before. */
  readonly firstPort: number;
}

/** What is written at once: as much as one packet between namespaces holds. */
export const BLOCK_BYTES = 65_536;
/** Payload of a datagram; fits into an Ethernet frame. */
export const DATAGRAM_BYTES = 1400;
/** Datagrams under way at most: fewer than a receive buffer holds. */
export const WINDOW = 32;

/** What the client measured, in nanoseconds; the server answers nothing. */
export type Measured = Float64Array;
