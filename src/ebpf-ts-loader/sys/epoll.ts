import { check, ERRNO, SyscallError } from "./errno.ts";
import { assertFd, Fd } from "./fd.ts";
import { SYS } from "./numbers.ts";
import { defineAsyncSyscall, syscall } from "./syscall.ts";

/**
 * Event bits of epoll(7).
 *
 * @example Usage
 * ```ts
 * import { EPOLL } from "ebpf-ts-loader/sys";
 * const hasFailed = (events: number) => (events & (EPOLL.ERR | EPOLL.HUP)) !== 0;
 * ```
 */
export const EPOLL = { IN: 1, OUT: 4, ERR: 8, HUP: 16 } as const;

const CTL_ADD = 1;
const CTL_DEL = 2;
const CLOEXEC = 0o2000000;
const NONBLOCK = 0o4000;
const MAX_EVENTS = 64;
// struct epoll_event is packed on x86-64 only.
const EVENT_SIZE = Deno.build.arch === "x86_64" ? 12 : 16;
const EVENT_DATA_OFF = EVENT_SIZE - 8;

const epollWait = defineAsyncSyscall("epoll_pwait", [
  "i32",
  "buffer",
  "i32",
  "i32",
  "buffer",
  "usize",
]);

/**
 * One epoll instance with at most one pending wait, however many descriptors it watches: each
 * pending wait occupies one of the 32 threads that Deno's file I/O needs too. The wait is pending
 * (and keeps the process alive) only while something is watched.
 *
 * @example Usage
 * ```ts
 * import { check, Epoll, Fd, SYS, syscall } from "ebpf-ts-loader/sys";
 * import { assertEquals } from "@std/assert";
 * const epoll = new Epoll();
 * using ready = new Fd(check(syscall(SYS.eventfd2, 1, 0), "eventfd2"));
 * const { promise, resolve } = Promise.withResolvers<number>();
 * {
 *   using _watch = epoll.watch(ready.fd, resolve);
 *   assertEquals(await promise, 1); // EPOLL.IN
 * }
 * epoll[Symbol.dispose]();
 * await epoll.closed();
 * ```
 */
export class Epoll implements Disposable {
  readonly #epoll: Fd;
  readonly #wake: Fd;
  readonly #callbacks = new Map<number, (events: number) => void>();
  readonly #events = new Uint8Array(MAX_EVENTS * EVENT_SIZE);
  #loop: Promise<void> | undefined;
  #closing = false;

  constructor() {
    using epoll = new Fd(check(syscall(SYS.epoll_create1, CLOEXEC), "epoll_create1"));
    using wake = new Fd(check(syscall(SYS.eventfd2, 0, CLOEXEC | NONBLOCK), "eventfd2"));
    control(epoll.fd, CTL_ADD, wake.fd, EPOLL.IN);
    this.#epoll = new Fd(epoll.release());
    this.#wake = new Fd(wake.release());
  }

  /** Descriptors being watched. */
  get size(): number {
    return this.#callbacks.size;
  }

  /**
   * Calls `onReady` with the event bits whenever `fd` is ready (level-triggered) until the
   * returned handle is disposed. The fd stays the caller's; dispose the handle before closing it.
   * An exception in `onReady` is reported as an uncaught error and does not stop other watchers.
   */
  watch(fd: number, onReady: (events: number) => void, events: number = EPOLL.IN): Disposable {
    assertFd(fd);
    if (this.#closing) throw new TypeError('Cannot watch "epoll": disposed, expected open');
    control(this.#epoll.fd, CTL_ADD, fd, events);
    this.#callbacks.set(fd, onReady);
    this.#loop ??= this.#run();
    return {
      [Symbol.dispose]: () => {
        if (this.#callbacks.get(fd) !== onReady) return;
        this.#callbacks.delete(fd);
        if (this.#epoll.open) control(this.#epoll.fd, CTL_DEL, fd, 0);
        if (this.#callbacks.size === 0) this.#interrupt();
      },
    };
  }

  #interrupt(): void {
    if (this.#wake.open) syscall(SYS.write, this.#wake.fd, new BigUint64Array([1n]), 8);
  }

  async #run(): Promise<void> {
    // Let the caller finish what it does after watch() before the thread starts.
    await Promise.resolve();
    while (this.#callbacks.size > 0 && !this.#closing) {
      const count = await epollWait(this.#epoll.fd, this.#events, MAX_EVENTS, -1, null, 8);
      if (count === -ERRNO.EINTR) continue;
      if (count < 0) throw new SyscallError("epoll_pwait", -count);
      this.#dispatch(count);
    }
    this.#loop = undefined;
    if (this.#closing) this.#closeFds();
  }

  #dispatch(count: number): void {
    const view = new DataView(this.#events.buffer);
    for (let index = 0; index < count; index++) {
      const events = view.getUint32(index * EVENT_SIZE, true);
      const fd = view.getInt32(index * EVENT_SIZE + EVENT_DATA_OFF, true);
      if (fd === this.#wake.fd) {
        syscall(SYS.read, fd, new Uint8Array(8), 8);
        continue;
      }
      try {
        this.#callbacks.get(fd)?.(events);
      } catch (error) {
        reportError(error);
      }
    }
  }

  #closeFds(): void {
    this.#epoll[Symbol.dispose]();
    this.#wake[Symbol.dispose]();
  }

  /**
   * Stops watching everything. The descriptors close once a pending wait has returned:
   * `await epoll.closed()` sees the end of it.
   */
  [Symbol.dispose](): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#callbacks.clear();
    if (this.#loop) this.#interrupt();
    else this.#closeFds();
  }

  /** Settles when no wait is pending. */
  async closed(): Promise<void> {
    await this.#loop;
  }
}

function control(epoll: number, operation: number, fd: number, events: number): void {
  const event = new Uint8Array(EVENT_SIZE);
  const view = new DataView(event.buffer);
  view.setUint32(0, events, true);
  view.setInt32(EVENT_DATA_OFF, fd, true);
  check(syscall(SYS.epoll_ctl, epoll, operation, fd, event), "epoll_ctl", {
    action: operation === CTL_ADD ? "watch" : "stop watching",
    subject: `fd ${fd}`,
  });
}

let shared: Epoll | undefined;

/**
 * The process's shared instance, made on first use: what everything takes by default.
 *
 * @example Usage
 * ```ts
 * import { defaultEpoll } from "ebpf-ts-loader/sys";
 * import { assert } from "@std/assert";
 * assert(defaultEpoll() === defaultEpoll());
 * ```
 */
export function defaultEpoll(): Epoll {
  return shared ??= new Epoll();
}
