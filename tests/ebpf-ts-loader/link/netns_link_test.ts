import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  attachNetns,
  AttachType,
  LinkType,
  openLinkById,
  openPinnedLink,
  queryNetns,
  unpin,
} from "ebpf-ts-loader";
import { createNetns, openSocket, SyscallError } from "ebpf-ts-loader/sys";
import { bpffsMissing, kernelTest, uniqueBpffsPath } from "../kernel.ts";
import { assertMet, loadLinks, LOCALHOST, mustMakeNetns, withEpoll } from "./_link_test_case.ts";

const STEERED = 8124;

kernelTest("attachNetns() chooses the listener of a new connection", async () => {
  using netns = mustMakeNetns();
  using collection = loadLinks(["steer"], { config_port: STEERED });
  await withEpoll(async (epoll) => {
    using server = openSocket(4, "tcp", { netns, epoll });
    server.bind({ address: LOCALHOST, port: 0 });
    server.listen();
    const cookie = new Uint8Array(BigUint64Array.of(BigInt(server.fd)).buffer);
    collection.map("listeners").update(0, cookie);
    using _link = attachNetns(collection.program("steer"), { netns });
    using client = openSocket(4, "tcp", { netns, epoll });
    client.startConnect({ address: LOCALHOST, port: STEERED });
    using accepted = await server.accept();
    await client.connected();
    assertEquals(accepted.localAddress.port, STEERED);
    assertMet(collection, "steer", 1);
  });
});

kernelTest("attachNetns() attaches several; queryNetns() lists them, update() swaps one", () => {
  using netns = createNetns();
  using collection = loadLinks(["steer"]);
  using other = loadLinks(["steer"]);
  const [first, second] = [collection.program("steer"), other.program("steer")];
  const [a, b] = [first.info().id, second.info().id];
  const ids = () => queryNetns({ netns }).programs.map((each) => each.programId);
  {
    using link = attachNetns(first, { netns });
    using _second = attachNetns(second, { netns });
    assertEquals(ids(), [a, b]);
    assertEquals(netns.run(() => queryNetns().programs.length), 2);
    link.update(second, first);
    assertEquals(ids(), [b, b]);
    const { type, attachType, programId, netnsInode, id } = link.info();
    assertEquals([type, attachType, programId], [LinkType.NETNS, AttachType.SK_LOOKUP, b]);
    assert(netnsInode);
    using same = openLinkById(id);
    same?.detach();
    assertEquals([ids(), link.info().netnsInode], [[b], 0]);
  }
  assertEquals(ids(), []);
  assertEquals(openLinkById(0x7fff_ffff), undefined);
});

kernelTest("attachNetns() refuses other programs", () => {
  using netns = createNetns();
  using collection = loadLinks(["tc_pass"]);
  const error = assertThrows(
    () => attachNetns(collection.program("tc_pass"), { netns }),
    SyscallError,
    'Cannot attach "tc_pass to network namespace, attach type 0": EINVAL',
  );
  assertEquals(error.command, "BPF_LINK_CREATE");
});

kernelTest("a pinned netns link outlives its handle", () => {
  using netns = createNetns();
  using collection = loadLinks(["steer"]);
  const path = uniqueBpffsPath("netns");
  {
    using link = attachNetns(collection.program("steer"), { netns });
    link.pin(path);
  }
  try {
    assertEquals(queryNetns({ netns }).programs.length, 1);
    using again = openPinnedLink(path);
    assertEquals(again.info().type, LinkType.NETNS);
    again.detach();
    assertEquals(queryNetns({ netns }).programs, []);
  } finally {
    unpin(path);
  }
}, { unless: bpffsMissing });
