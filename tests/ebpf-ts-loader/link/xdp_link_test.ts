import { assertEquals, assertThrows } from "@std/assert";
import {
  attachXdp,
  kernelFeatures,
  LinkType,
  NotSupportedError,
  openPinnedLink,
  queryXdp,
  unpin,
} from "ebpf-ts-loader";
import { createVeth, findLink, openRtnetlink } from "ebpf-ts-loader/netlink";
import { createNetns, SyscallError } from "ebpf-ts-loader/sys";
import { bpffsMissing, kernelTest, uniqueBpffsPath } from "../kernel.ts";
import {
  assertMet,
  loadLinks,
  LOOPBACK,
  mustMakeNetns,
  sendOnLoopback,
  withEpoll,
} from "./_link_test_case.ts";

const NONE = { native: undefined, generic: undefined, offload: undefined };

kernelTest("attachXdp() drops and passes real packets; update() swaps at once", async () => {
  using netns = mustMakeNetns();
  using collection = loadLinks(["xdp_pass", "xdp_drop"]);
  const [pass, drop] = [collection.program("xdp_pass"), collection.program("xdp_drop")];
  await withEpoll((epoll) => {
    using link = netns.run(() => attachXdp(pass, { ifindex: LOOPBACK, mode: "generic" }));
    assertEquals(sendOnLoopback(netns, epoll), true);
    link.update(drop, pass);
    assertEquals(sendOnLoopback(netns, epoll), false);
    assertMet(collection, "xdp_pass", 1);
    assertMet(collection, "xdp_drop", 1);
    assertThrows(() => link.update(drop, pass), SyscallError, "EPERM");
    link.detach();
    assertEquals(sendOnLoopback(netns, epoll), true);
    return Promise.resolve();
  });
});

kernelTest("attachXdp() takes a mode, and queryXdp() tells it", () => {
  using netns = createNetns();
  using netlink = openRtnetlink(netns);
  createVeth(netlink, { name: "a", peer: { name: "b" } });
  const ifindex = findLink(netlink, "a")?.ifindex ?? 0;
  using collection = loadLinks(["xdp_pass", "xdp_drop"]);
  const program = collection.program("xdp_pass");
  const { id } = program.info();
  netns.run(() => {
    for (const mode of ["native", "generic"] as const) {
      using link = attachXdp(program, { ifindex, mode });
      assertEquals(queryXdp(ifindex), { ...NONE, [mode]: id });
      const { type, programId, ifindex: on } = link.info();
      assertEquals([type, programId, on], [LinkType.XDP, id, ifindex]);
      const second = () => attachXdp(collection.program("xdp_drop"), { ifindex, mode });
      assertEquals(assertThrows(second, SyscallError).code, "EBUSY");
    }
    assertEquals(queryXdp(ifindex), NONE);
    using _best = attachXdp(program, { ifindex });
    assertEquals(queryXdp(ifindex), { ...NONE, native: id });
  });
});

kernelTest("attachXdp() names the interface, the mode and the kernel that is needed", () => {
  using netns = createNetns();
  using collection = loadLinks(["xdp_pass", "tc_pass"]);
  netns.run(() => {
    const program = collection.program("xdp_pass");
    assertEquals(
      assertThrows(() => attachXdp(program, { ifindex: 77, mode: "native" }), SyscallError).message,
      'Cannot attach "xdp_pass to interface 77 XDP native": EINVAL from BPF_LINK_CREATE, ' +
        "expected interface 77 to exist",
    );
    const offload = () => attachXdp(program, { ifindex: LOOPBACK, mode: "offload" });
    assertThrows(offload, SyscallError);
    assertThrows(() => attachXdp(program, { ifindex: 0 }), RangeError, "interface index");
    const wrong = () => attachXdp(collection.program("tc_pass"), { ifindex: LOOPBACK });
    assertThrows(wrong, SyscallError, "EINVAL");
    using _old = kernelFeatures.pretend("xdp links", "no");
    assertThrows(wrong, NotSupportedError, "XDP links not supported, expected Linux 5.9 or newer");
  });
});

kernelTest("a pinned XDP link outlives its handle", () => {
  using netns = createNetns();
  using collection = loadLinks(["xdp_pass"]);
  const path = uniqueBpffsPath("xdp");
  netns.run(() => {
    {
      using link = attachXdp(collection.program("xdp_pass"), { ifindex: LOOPBACK });
      link.pin(path);
    }
    try {
      assertEquals(queryXdp(LOOPBACK).generic, collection.program("xdp_pass").info().id);
      using again = openPinnedLink(path);
      assertEquals(again.info().type, LinkType.XDP);
      again.detach();
      assertEquals([again.info().ifindex, queryXdp(LOOPBACK)], [0, NONE]);
    } finally {
      unpin(path);
    }
  });
}, { unless: bpffsMissing });
