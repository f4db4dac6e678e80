import { assertEquals, assertThrows } from "@std/assert";
import { check, Epoll, Fd, mustSyscall, SYS, syscall } from "ebpf-ts-loader/sys";
import { withoutLeaks } from "../fd_leaks.ts";

function eventfd(): Fd {
  return new Fd(check(syscall(SYS.eventfd2, 0, 0o2000000), "eventfd2"));
}

function signal(fd: number): void {
  mustSyscall("write", fd, new BigUint64Array([1n]), 8);
}

function consume(fd: number): void {
  mustSyscall("read", fd, new Uint8Array(8), 8);
}

Deno.test("Epoll calls the watcher of the descriptor that is ready, through one wait", async () => {
  await withoutLeaks(async () => {
    using first = eventfd();
    using second = eventfd();
    const epoll = new Epoll();
    const seen: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const watchFirst = epoll.watch(first.fd, () => {
      consume(first.fd);
      seen.push("first");
      signal(second.fd);
    });
    const watchSecond = epoll.watch(second.fd, () => {
      consume(second.fd);
      seen.push("second");
      resolve();
    });
    assertEquals(epoll.size, 2);
    signal(first.fd);
    await promise;
    watchFirst[Symbol.dispose]();
    watchSecond[Symbol.dispose]();
    await epoll.closed(); // the wait ends when nothing is watched
    assertEquals(seen, ["first", "second"]);
    epoll[Symbol.dispose]();
  });
});

Deno.test("Epoll disposed with a pending wait closes everything", async () => {
  await withoutLeaks(async () => {
    using event = eventfd();
    const epoll = new Epoll();
    epoll.watch(event.fd, () => {});
    await new Promise((resolve) => setTimeout(resolve, 1));
    epoll[Symbol.dispose]();
    await epoll.closed();
    assertThrows(() => epoll.watch(event.fd, () => {}), TypeError, "disposed");
  });
});

Deno.test("Epoll.watch() names the descriptor it cannot watch", () => {
  using epoll = new Epoll();
  assertThrows(() => epoll.watch(2 ** 31, () => {}), RangeError);
  assertThrows(() => epoll.watch(999_999, () => {}), Error, 'Cannot watch "fd 999999": EBADF');
});
