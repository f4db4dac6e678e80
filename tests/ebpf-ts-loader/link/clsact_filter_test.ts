import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  attachClsact,
  attachTc,
  beforeProgram,
  head,
  kernelFeatures,
  NotSupportedError,
  queryTcx,
  type TcOptions,
} from "ebpf-ts-loader";
import { deleteClsact, listBpfFilters, NetlinkError, openRtnetlink } from "ebpf-ts-loader/netlink";
import { createNetns, SyscallError } from "ebpf-ts-loader/sys";
import { kernelTest } from "../kernel.ts";
import {
  assertMet,
  loadLinks,
  LOOPBACK,
  mustMakeNetns,
  sendOnLoopback,
  withEpoll,
} from "./_link_test_case.ts";

const AT = { ifindex: LOOPBACK, direction: "ingress" } as const;

kernelTest(
  "attachClsact() filters real packets until disposal; update() swaps at once",
  async () => {
    using netns = mustMakeNetns();
    using collection = loadLinks(["tc_pass", "tc_drop"]);
    await withEpoll((epoll) => {
      {
        using filter = netns.run(() => attachClsact(collection.program("tc_drop"), AT));
        assertEquals(sendOnLoopback(netns, epoll), false);
        // From outside: the handle has its own connection to the namespace.
        filter.update(collection.program("tc_pass"));
        assertEquals(sendOnLoopback(netns, epoll), true);
        assertEquals(filter.info()?.programId, collection.program("tc_pass").info().id);
      }
      assertMet(collection, "tc_drop", 1);
      assertMet(collection, "tc_pass", 1);
      assertEquals(sendOnLoopback(netns, epoll), true);
      assertMet(collection, "tc_pass", 1);
      return Promise.resolve();
    });
  },
);

kernelTest("attachClsact() puts programs first or last", async () => {
  using netns = mustMakeNetns();
  using collection = loadLinks(["tc_next", "tc_drop", "tc_pass"]);
  await withEpoll((epoll) => {
    const attach = (name: string, position = {}) =>
      netns.run(() => attachClsact(collection.program(name), { ...AT, ...position }));
    using drop = attach("tc_drop");
    using next = attach("tc_next", { position: head() });
    using pass = attach("tc_pass");
    assertEquals(
      [next, drop, pass].map(({ place }) => place.priority),
      [0x7fff, 0x8000, 0x8001],
    );
    assertEquals(sendOnLoopback(netns, epoll), false);
    assertMet(collection, "tc_next", 1);
    assertMet(collection, "tc_drop", 1);
    assertMet(collection, "tc_pass", 0);
    return Promise.resolve();
  });
});

kernelTest("attachClsact() honours a priority and says what cannot be", () => {
  using netns = createNetns();
  using collection = loadLinks(["tc_next", "tc_drop", "xdp_pass"]);
  const program = collection.program("tc_next");
  netns.run(() => {
    using _last = attachClsact(program, { ...AT, priority: 65535 });
    assertThrows(() => attachClsact(program, AT), RangeError, "priorities 65535 to 65535 taken");
    const taken = () => attachClsact(program, { ...AT, priority: 65535 });
    assertEquals(assertThrows(taken, NetlinkError).code, "EEXIST");
    const beside = beforeProgram(collection.program("tc_drop"));
    assertThrows(
      () => attachClsact(program, { ...AT, position: beside }),
      NotSupportedError,
      "a place beside another program not supported, expected Linux 6.6 or newer",
    );
    const xdp = () => attachClsact(collection.program("xdp_pass"), { ...AT, priority: 1 });
    assertEquals(assertThrows(xdp, NetlinkError).code, "EINVAL");
    assertThrows(() => attachClsact(program, { ...AT, ifindex: 99 }), NetlinkError, "ENODEV");
  });
});

kernelTest("a clsact filter can be left, and may be gone before its handle", () => {
  using netns = createNetns();
  using netlink = openRtnetlink(netns);
  using collection = loadLinks(["tc_next"]);
  const program = collection.program("tc_next");
  const list = () => listBpfFilters(netlink, LOOPBACK, "ingress").length;
  {
    using filter = netns.run(() => attachClsact(program, AT));
    filter.leave();
    assertThrows(() => filter.update(program), TypeError, "given up, expected attached");
  }
  assertEquals(list(), 1);
  {
    using filter = netns.run(() => attachClsact(program, AT));
    assertEquals(list(), 2);
    deleteClsact(netlink, LOOPBACK);
    assertEquals(filter.info(), undefined);
  }
  assertEquals(list(), 0);
});

kernelTest("attachTc() takes TCX where the kernel has it", () => {
  using netns = createNetns();
  using collection = loadLinks(["tc_next"]);
  netns.run(() => {
    using attachment = attachTc(collection.program("tc_next"), AT);
    assert(attachment.kind === "tcx");
    assertEquals(queryTcx(LOOPBACK, "ingress").programs.length, 1);
  });
}, { unless: kernelFeatures.tcx() === "yes" ? undefined : "no TCX" });

kernelTest("attachTc() falls back to clsact only where TCX is missing", async () => {
  using netns = mustMakeNetns();
  using netlink = openRtnetlink(netns);
  using collection = loadLinks(["tc_drop"]);
  // A position that this kernel refuses with EINVAL, as an old one does TCX.
  const refused: TcOptions = { ...AT, position: { flags: 0x4000_0000, relativeFd: 0 } };
  const attach = (options: TcOptions) =>
    netns.run(() => attachTc(collection.program("tc_drop"), options));
  assertThrows(() => attach(refused), SyscallError, "EINVAL");
  using _old = kernelFeatures.pretend("TCX", "no");
  assertThrows(() => attach({ ...refused, use: "tcx" }), NotSupportedError, "Linux 6.6 or newer");
  {
    using attachment = attach(refused);
    assert(attachment.kind === "clsact");
    assertEquals(listBpfFilters(netlink, LOOPBACK, "ingress").length, 1);
    await withEpoll((epoll) => {
      assertEquals(sendOnLoopback(netns, epoll), false);
      return Promise.resolve();
    });
  }
  {
    using forced = attach({ ...AT, use: "clsact" });
    assertEquals(forced.kind, "clsact");
  }
  assertEquals(listBpfFilters(netlink, LOOPBACK, "ingress"), []);
});
