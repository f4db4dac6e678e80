import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { createNetns, currentNetns, openSocket, SyscallError } from "ebpf-ts-loader/sys";
import { withoutLeaks } from "../fd_leaks.ts";
import { netnsTest } from "../netns_test_case.ts";

const CURRENT = "/proc/thread-self/ns/net";

function currentInode(): string {
  return Deno.readLinkSync(CURRENT);
}

netnsTest("createNetns() leaves the thread where it is, and nothing behind", async () => {
  const before = currentInode();
  await withoutLeaks(() => {
    using _netns = createNetns();
    assertEquals(currentInode(), before);
  });
});

netnsTest("Netns.run() runs inside, nests, and comes back", () => {
  using outer = createNetns();
  using inner = createNetns();
  const before = currentInode();
  const seen = outer.run(() => [currentInode(), inner.run(currentInode), currentInode()]);
  assertEquals(seen[0], seen[2]);
  assertEquals(new Set([before, ...seen]).size, 3);
  assertEquals(currentInode(), before);
});

netnsTest("Netns.run() comes back when its body throws", async () => {
  const before = currentInode();
  await withoutLeaks(() => {
    using netns = createNetns();
    assertThrows(
      () =>
        netns.run(() => {
          throw new Error("out");
        }),
      Error,
      "out",
    );
    assertEquals(currentInode(), before);
  });
});

netnsTest("Netns.run() refuses a promise", () => {
  using netns = createNetns();
  assertThrows(() => netns.run(() => Promise.resolve(1)), TypeError, "synchronous");
  assertThrows(() => netns.run(() => Promise.reject(new Error("later"))), TypeError, "synchronous");
});

netnsTest("Netns refuses use after disposal", () => {
  const netns = createNetns();
  netns[Symbol.dispose]();
  netns[Symbol.dispose]();
  assertThrows(() => netns.run(() => 1), TypeError, "closed");
});

netnsTest("currentNetns() is the namespace of the thread", () => {
  using netns = createNetns();
  const inside = netns.run(currentInode);
  using current = netns.run(currentNetns);
  assertEquals(current.run(currentInode), inside);
});

netnsTest("Netns.writeSysctl() sets inside the namespace only", () => {
  using netns = createNetns();
  using other = createNetns();
  const before = other.readSysctl("ipv4/ip_default_ttl");
  netns.writeSysctl("ipv4/ip_default_ttl", "42");
  assertEquals(netns.readSysctl("ipv4/ip_default_ttl"), "42");
  assertNotEquals(before, "42");
  assertEquals(other.readSysctl("ipv4/ip_default_ttl"), before);
});

netnsTest("Netns.writeSysctl() names the setting and the value that the kernel refuses", () => {
  using netns = createNetns();
  const error = assertThrows(
    () => netns.writeSysctl("ipv4/ip_default_ttl", "many"),
    SyscallError,
    'Cannot write sysctl "net/ipv4/ip_default_ttl": EINVAL from write, ' +
      'expected to take the value "many"',
  );
  assertEquals(error.code, "EINVAL");
  for (const name of ["ipv4/../../kernel/panic", "../kernel/panic", "/etc/passwd", "ipv4", ""]) {
    assertThrows(() => netns.writeSysctl(name, "1"), TypeError, "not a name");
  }
});

netnsTest("a socket made inside stays inside", async () => {
  using netns = createNetns();
  using socket = openSocket(4, "udp", { netns });
  // The loopback interface of the new namespace is down.
  assertThrows(
    () => socket.sendTo(Uint8Array.of(1), { address: Uint8Array.of(127, 0, 0, 1), port: 9 }),
    SyscallError,
    "ENETUNREACH",
  );
  await Promise.resolve();
  assert(socket.fd > 0);
});
