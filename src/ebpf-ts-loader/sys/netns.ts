import { check } from "./errno.ts";
import { Fd, OPEN, open } from "./fd.ts";
import { CLONE, setns, unshare } from "./namespace.ts";
import { SYS } from "./numbers.ts";
import { syscall } from "./syscall.ts";

/**
 * The namespace of the calling *thread*; `/proc/self` would be that of the process's first
 * thread, which setns() leaves alone.
 */
const CURRENT = "/proc/thread-self/ns/net";

const SYSCTL_NAME = /^[a-z0-9_]+(\/[A-Za-z0-9_.-]+)+$/;

/**
 * A network namespace without a name, held by a file descriptor only. Once the descriptor, the
 * sockets and the processes inside are gone, so are the namespace and its interfaces: nothing
 * outlives the process, not even one ended by SIGKILL.
 *
 * @example Usage
 * ```ts ignore
 * import { createNetns } from "ebpf-ts-loader/sys";
 * import { assertEquals } from "@std/assert";
 * using netns = createNetns();
 * netns.run(() => netns.writeSysctl("ipv4/ip_forward", "1"));
 * assertEquals(netns.readSysctl("ipv4/ip_forward"), "1");
 * ```
 */
export class Netns implements Disposable {
  readonly #fd: Fd;

  /** Takes ownership of `fd`, a descriptor of a network namespace. */
  constructor(fd: number) {
    this.#fd = new Fd(fd);
  }

  /** The descriptor, for setns(2) and for netlink's `IFLA_NET_NS_FD`; it stays this object's. */
  get fd(): number {
    return this.#fd.fd;
  }

  /**
   * Runs `body` inside the namespace and returns its result; the calling thread is back where it
   * was afterwards, also when `body` throws. Calls nest. Needs CAP_SYS_ADMIN.
   *
   * Only the calling thread moves. What `body` does must be synchronous: Deno's own I/O
   * (`Deno.connect`, `fetch`) runs on other threads or later, outside. A socket or a BPF link that
   * is made inside stays in the namespace wherever it is used later.
   *
   * @throws {TypeError} If `body` returns a promise: its continuation would run outside.
   */
  run<T>(body: () => T): T {
    using outside = new Fd(open(CURRENT));
    setns(this.fd, CLONE.NEWNET);
    let result: T;
    try {
      result = body();
    } finally {
      setns(outside.fd, CLONE.NEWNET);
    }
    if (result instanceof Promise) {
      // Whatever it rejects with later is the caller's mistake already reported here.
      result.catch(() => {});
      throw new TypeError(
        'Cannot run "body" in a namespace: it returned a promise, expected a synchronous result',
      );
    }
    return result;
  }

  /**
   * Writes a setting under `/proc/sys/net` of this namespace: `ipv4/ip_forward`. Slashes separate
   * the parts, since interface names may have dots.
   */
  writeSysctl(name: string, value: string): void {
    const bytes = new TextEncoder().encode(value);
    this.run(() => {
      using file = new Fd(open(sysctlPath(name), OPEN.WRONLY));
      check(syscall(SYS.write, file.fd, bytes, bytes.length), "write", {
        action: "write sysctl",
        subject: `net/${name}`,
        expected: `to take the value ${JSON.stringify(value)}`,
      });
    });
  }

  /** Reads a setting under `/proc/sys/net` of this namespace, without the line end. */
  readSysctl(name: string): string {
    const bytes = new Uint8Array(4096);
    const length = this.run(() => {
      using file = new Fd(open(sysctlPath(name)));
      return check(syscall(SYS.read, file.fd, bytes, bytes.length), "read", {
        action: "read sysctl",
        subject: `net/${name}`,
      });
    });
    return new TextDecoder().decode(bytes.subarray(0, length)).trimEnd();
  }

  /** Lets go of the namespace; a second call does nothing. */
  [Symbol.dispose](): void {
    this.#fd[Symbol.dispose]();
  }
}

function sysctlPath(name: string): string {
  if (!SYSCTL_NAME.test(name) || name.split("/").some((part) => /^\.+$/.test(part))) {
    throw new TypeError(
      `Cannot use sysctl ${JSON.stringify(name.slice(0, 64))}: not a name, ` +
        `expected parts separated by "/", as in "ipv4/ip_forward"`,
    );
  }
  return `/proc/sys/net/${name}`;
}

/**
 * Makes an empty network namespace: one loopback interface, which is down. Needs CAP_SYS_ADMIN
 * (EPERM). The calling thread stays where it is.
 *
 * @example Usage
 * ```ts
 * import { createNetns, openSocket } from "ebpf-ts-loader/sys";
 * function isolatedPort(): number {
 *   using netns = createNetns();
 *   using socket = openSocket(4, "udp", { netns });
 *   socket.bind({ address: new Uint8Array(4), port: 0 });
 *   return socket.localAddress.port;
 * }
 * ```
 */
export function createNetns(): Netns {
  using outside = new Fd(open(CURRENT));
  unshare(CLONE.NEWNET);
  try {
    return new Netns(open(CURRENT));
  } finally {
    setns(outside.fd, CLONE.NEWNET);
  }
}

/**
 * The network namespace that the calling thread is in.
 *
 * @example Usage
 * ```ts
 * import { currentNetns } from "ebpf-ts-loader/sys";
 * import { assert } from "@std/assert";
 * using netns = currentNetns();
 * assert(netns.fd > 2);
 * ```
 */
export function currentNetns(): Netns {
  return new Netns(open(CURRENT));
}
