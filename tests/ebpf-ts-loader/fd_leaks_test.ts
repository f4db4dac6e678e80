import { assertEquals, AssertionError, assertMatch, assertRejects } from "@std/assert";
import { Fd, open, recordFdOrigins } from "ebpf-ts-loader/sys";
import { withoutLeaks } from "./fd_leaks.ts";

Deno.test("withoutLeaks() says what was left open and where it was made", async () => {
  let leaked: Fd | undefined;
  function makeLeak(): void {
    leaked = new Fd(open("/dev/null"));
  }
  const error = await assertRejects(() => withoutLeaks(makeLeak), AssertionError);
  leaked?.[Symbol.dispose]();
  assertMatch(error.message, /^1 file descriptors left open:\nfd \d+ \(\/dev\/null\), made\n/);
  assertMatch(error.message, /at makeLeak \(.*fd_leaks_test\.ts:\d+:\d+\)/);
});

Deno.test("recordFdOrigins() forgets what is closed or given away, and ends", () => {
  const origins = recordFdOrigins();
  const closed = new Fd(open("/dev/null"));
  const given = new Fd(open("/dev/null"));
  assertEquals(origins.open().map(({ fd }) => fd), [closed.fd, given.fd]);
  closed[Symbol.dispose]();
  using taken = new Fd(given.release());
  assertEquals(origins.open().map(({ fd }) => fd), [taken.fd]);
  origins[Symbol.dispose]();
  using _late = new Fd(open("/dev/null"));
  assertEquals(origins.open().length, 1);
});
