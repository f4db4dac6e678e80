import { defaultEpoll, EPOLL, type Epoll } from "./epoll.ts";
import { check, ERRNO, SyscallError } from "./errno.ts";
import { Fd } from "./fd.ts";
import type { Netns } from "./netns.ts";
import { SYS } from "./numbers.ts";
import {
  AF,
  decodeSocketAddress,
  encodeSocketAddress,
  SOCKADDR_MAX,
  type SocketAddress,
} from "./socket_address.ts";
import { syscall, type SyscallArgument } from "./syscall.ts";

const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const MSG_NOSIGNAL = 0x4000;
const EINPROGRESS = 115;
const ENOTCONN = 107;
const SOL_SOCKET = 1;
const SO_ERROR = 4;

/**
 * What a socket speaks. `icmp` is a raw socket of ICMP or ICMPv6 by family (needs CAP_NET_RAW): it
 * receives every ICMP message of its namespace, with the IP header in front for IPv4, and the
 * kernel fills in the checksum for IPv6 only.
 */
export type SocketProtocol = "tcp" | "udp" | "icmp";

/** Options for {@linkcode openSocket}. */
export interface SocketOptions {
  /** Namespace the socket lives in, for good. @default the calling thread's */
  netns?: Netns;
  /** Who waits for the socket. @default the process's shared epoll */
  epoll?: Epoll;
}

/** A received datagram, or bytes of a stream. */
export interface Received {
  /** What arrived; a copy that the caller owns. */
  readonly data: Uint8Array;
  /** Sender. The peer itself for a stream. */
  readonly from: SocketAddress | undefined;
}

// [socket type, IPv4 protocol, IPv6 protocol]
const PROTOCOLS: Readonly<Record<SocketProtocol, readonly [number, number, number]>> = {
  tcp: [1, 6, 6],
  udp: [2, 17, 17],
  icmp: [3, 1, 58],
};

/**
 * Opens a non-blocking IPv4 or IPv6 socket, in any network namespace: enter, make the socket, go
 * back. Its owner disposes of it.
 *
 * @example Usage
 * ```ts
 * import { openSocket } from "ebpf-ts-loader/sys";
 * import { assertEquals } from "@std/assert";
 * const localhost = Uint8Array.of(127, 0, 0, 1);
 * using server = openSocket(4, "udp");
 * server.bind({ address: localhost, port: 0 });
 * using client = openSocket(4, "udp");
 * client.sendTo(Uint8Array.of(1, 2, 3), server.localAddress);
 * const { data } = await server.receive();
 * assertEquals([...data], [1, 2, 3]);
 * ```
 */
export function openSocket(
  family: 4 | 6,
  protocol: SocketProtocol,
  options: SocketOptions = {},
): Socket {
  const [type, ipv4, ipv6] = PROTOCOLS[protocol];
  const make = () =>
    new Socket(
      check(
        syscall(
          SYS.socket,
          family === 4 ? AF.INET : AF.INET6,
          type | SOCK_NONBLOCK | SOCK_CLOEXEC,
          family === 4 ? ipv4 : ipv6,
        ),
        "socket",
        { action: "open socket", subject: `${protocol} over IPv${family}` },
      ),
      options.epoll,
    );
  return options.netns ? options.netns.run(make) : make();
}

/**
 * A non-blocking socket. Waiting goes through one epoll for all sockets; each operation that waits
 * takes a signal and rejects with its reason. One operation may wait at a time.
 *
 * @example Usage
 * ```ts
 * import { Epoll, openSocket, type Socket } from "ebpf-ts-loader/sys";
 * import { assertEquals } from "@std/assert";
 * const epoll = new Epoll();
 * {
 *   using server: Socket = openSocket(4, "udp", { epoll });
 *   using client: Socket = openSocket(4, "udp", { epoll });
 *   server.bind({ address: Uint8Array.of(127, 0, 0, 1), port: 0 });
 *   client.sendTo(Uint8Array.of(7), server.localAddress);
 *   assertEquals((await server.receive()).data, Uint8Array.of(7));
 * }
 * epoll[Symbol.dispose]();
 * await epoll.closed();
 * ```
 */
export class Socket implements Disposable {
  readonly #fd: Fd;
  readonly #epoll: Epoll;
  #cancel: ((reason: unknown) => void) | undefined;

  /** Takes ownership of `fd`, a non-blocking socket. */
  constructor(fd: number, epoll: Epoll = defaultEpoll()) {
    this.#fd = new Fd(fd);
    this.#epoll = epoll;
  }

  /** The descriptor; it stays this object's. */
  get fd(): number {
    return this.#fd.fd;
  }

  /** Own address and port. */
  get localAddress(): SocketAddress {
    const address = new Uint8Array(SOCKADDR_MAX);
    const length = Uint32Array.of(SOCKADDR_MAX);
    this.#check(syscall(SYS.getsockname, this.fd, address, length), "getsockname", "name");
    return decodeSocketAddress(address.subarray(0, length[0]));
  }

  /** Takes a local address. Throws `SyscallError` (EADDRINUSE, EADDRNOTAVAIL). */
  bind(local: SocketAddress): void {
    const bytes = encodeSocketAddress(local);
    this.#check(syscall(SYS.bind, this.fd, bytes, bytes.length), "bind", "bind");
  }

  /** Accepts connections from now on. */
  listen(backlog = 128): void {
    this.#check(syscall(SYS.listen, this.fd, backlog), "listen", "listen on");
  }

  /** Sets an integer option, see setsockopt(2). */
  setOption(level: number, name: number, value: number): void {
    const bytes = Int32Array.of(value);
    this.#check(syscall(SYS.setsockopt, this.fd, level, name, bytes, 4), "setsockopt", "set up");
  }

  /**
   * Begins to connect, without waiting: {@linkcode localAddress} then has the port that the
   * packets carry. {@linkcode connected} tells how it went. Throws when it fails at once
   * (ENETUNREACH).
   */
  startConnect(peer: SocketAddress): void {
    const bytes = encodeSocketAddress(peer);
    const result = syscall(SYS.connect, this.fd, bytes, bytes.length);
    if (result !== -EINPROGRESS) this.#check(result, "connect", "connect");
  }

  /** Waits until the connection stands. Throws `SyscallError` (ECONNREFUSED, ETIMEDOUT). */
  async connected(signal?: AbortSignal): Promise<void> {
    const peer = new Uint8Array(SOCKADDR_MAX);
    for (;;) {
      await this.#ready(EPOLL.OUT, signal);
      this.#check(-this.#pendingError(), "connect", "connect");
      const length = Uint32Array.of(SOCKADDR_MAX);
      const result = syscall(SYS.getpeername, this.fd, peer, length);
      if (result === 0) return;
      if (result !== -ENOTCONN) this.#check(result, "getpeername", "connect");
    }
  }

  #pendingError(): number {
    const value = new Int32Array(1);
    const size = Uint32Array.of(4);
    this.#check(
      syscall(SYS.getsockopt, this.fd, SOL_SOCKET, SO_ERROR, value, size),
      "getsockopt",
      "connect",
    );
    return value[0] ?? 0;
  }

  /** Waits for a connection; the caller owns the new socket. */
  async accept(signal?: AbortSignal): Promise<Socket> {
    for (;;) {
      const fd = syscall(SYS.accept4, this.fd, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) return new Socket(fd, this.#epoll);
      if (fd !== -ERRNO.EAGAIN) this.#check(fd, "accept4", "accept on");
      await this.#ready(EPOLL.IN, signal);
    }
  }

  /** Sends a datagram whole. Throws `SyscallError` (EAGAIN: send buffer full). */
  sendTo(data: Uint8Array, to: SocketAddress): void {
    const address = encodeSocketAddress(to);
    this.#send(data, address, address.length);
  }

  /**
   * Sends on a connected socket. A stream may take a part only; returns how many bytes it took.
   * Throws `SyscallError` (EAGAIN: send buffer full, EPIPE).
   */
  send(data: Uint8Array): number {
    return this.#send(data, null, 0);
  }

  #send(data: Uint8Array, address: SyscallArgument, length: number): number {
    const result = syscall(
      SYS.sendto,
      this.fd,
      data,
      data.length,
      MSG_NOSIGNAL,
      address,
      length,
    );
    return this.#check(result, "sendto", "send on");
  }

  /**
   * Waits for the next datagram, or for bytes of a stream (none: the peer has closed). Takes at
   * most `size` bytes; the rest of a longer datagram is lost.
   */
  async receive(signal?: AbortSignal, size = 2048): Promise<Received> {
    for (;;) {
      const received = this.tryReceive(size);
      if (received) return received;
      await this.#ready(EPOLL.IN, signal);
    }
  }

  /** Like {@linkcode receive}, but returns `undefined` instead of waiting. */
  tryReceive(size = 2048): Received | undefined {
    const data = new Uint8Array(size);
    const address = new Uint8Array(SOCKADDR_MAX);
    const length = Uint32Array.of(SOCKADDR_MAX);
    const count = syscall(SYS.recvfrom, this.fd, data, size, 0, address, length);
    if (count === -ERRNO.EAGAIN) return undefined;
    this.#check(count, "recvfrom", "receive on");
    const used = Math.min(length[0] ?? 0, SOCKADDR_MAX);
    // A stream leaves the address alone.
    const from = used === 0 ? undefined : decodeSocketAddress(address.subarray(0, used));
    return { data: data.subarray(0, count), from };
  }

  /** Ends the operation that waits (it rejects) and closes; a second call does nothing. */
  [Symbol.dispose](): void {
    this.#cancel?.(new TypeError('Cannot wait for "socket": closed, expected open'));
    this.#fd[Symbol.dispose]();
  }

  /** Waits for one of `events`, an error or a hang-up. May return early. */
  async #ready(events: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#cancel) {
      throw new TypeError(`Cannot wait for "fd ${this.fd}": already awaited, expected one wait`);
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // The watch ends in the callback: one that outlived it would be reported a second time.
    const watch = this.#epoll.watch(this.fd, () => {
      watch[Symbol.dispose]();
      resolve();
    }, events);
    const cancel = (reason: unknown) => {
      watch[Symbol.dispose]();
      reject(reason);
    };
    const abort = () => cancel(signal?.reason);
    this.#cancel = cancel;
    signal?.addEventListener("abort", abort);
    try {
      await promise;
    } finally {
      this.#cancel = undefined;
      signal?.removeEventListener("abort", abort);
    }
  }

  #check(result: number, command: string, action: string): number {
    if (result >= 0) return result;
    throw new SyscallError(command, -result, { action, subject: `fd ${this.fd}` });
  }
}
