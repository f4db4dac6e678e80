import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  createVeth,
  deleteLink,
  findLink,
  listAddresses,
  listLinks,
  NetlinkError,
  openRtnetlink,
  type Rtnetlink,
  setLink,
} from "ebpf-ts-loader/netlink";
import { createNetns } from "ebpf-ts-loader/sys";
import { withoutLeaks } from "../fd_leaks.ts";
import { netnsTest } from "../netns_test_case.ts";

const MAC = Uint8Array.of(2, 0, 0, 0, 0, 1);
const PEER_MAC = Uint8Array.of(2, 0, 0, 0, 0, 2);

netnsTest("createVeth() makes both ends, the peer in another namespace", async () => {
  await withoutLeaks(() => {
    using node = createNetns();
    using pod = createNetns();
    using inNode = openRtnetlink(node);
    using inPod = openRtnetlink(pod);
    createVeth(inNode, {
      name: "lxc1",
      mac: MAC,
      mtu: 1400,
      peer: { name: "eth0", mac: PEER_MAC, netns: pod },
    });
    const host = findLink(inNode, "lxc1");
    const peer = findLink(inPod, "eth0");
    assert(host && peer);
    assertEquals([host.mac, host.mtu, host.kind, host.up], [MAC, 1400, "veth", false]);
    assertEquals([peer.mac, peer.mtu, peer.kind, peer.up], [PEER_MAC, 1400, "veth", false]);
    assertEquals(findLink(inNode, "eth0"), undefined);
    assertEquals(listLinks(inPod).map(({ name }) => name), ["lo", "eth0"]);

    deleteLink(inPod, peer.ifindex);
    assertEquals(findLink(inNode, "lxc1"), undefined, "the pair goes together");
  });
});

netnsTest("createVeth() says what the kernel says about a name that is taken", () => {
  using netns = createNetns();
  using netlink = openRtnetlink(netns);
  createVeth(netlink, { name: "a", peer: { name: "b" } });
  const error = assertThrows(
    () => createVeth(netlink, { name: "a", peer: { name: "c" } }),
    NetlinkError,
    'Cannot create veth "a": EEXIST',
  );
  assertEquals(error.errno, 17);
  assertEquals(findLink(netlink, "c"), undefined);
});

/**
 * Waits for an address in the namespace. The kernel gives an interface its link-local
 * address when its carrier is reported up, which a work queue does some time after RTM_SETLINK
 * has returned (linkwatch_event in net/core/link_watch.c).
 */
async function mustHaveAddress(netlink: Rtnetlink): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    if (listAddresses(netlink).length > 0) return;
    await new Promise((done) => setTimeout(done, 10));
  }
  throw new Error('Cannot find "link-local address": none after 1000 looks, expected one');
}

netnsTest("setLink() changes state, MTU and IPv6 link-local addresses", async () => {
  using netns = createNetns();
  using netlink = openRtnetlink(netns);
  createVeth(netlink, { name: "a", peer: { name: "b" } });
  const a = findLink(netlink, "a")?.ifindex ?? 0;
  const b = findLink(netlink, "b")?.ifindex ?? 0;
  setLink(netlink, a, { state: "up", mtu: 9000, ipv6LinkLocal: false });
  setLink(netlink, b, { state: "up" });
  assertEquals(findLink(netlink, "a")?.mtu, 9000);
  assertEquals(findLink(netlink, "a")?.up, true);
  await mustHaveAddress(netlink);
  // Takes the lock that the pass over the work queue holds, which has both interfaces in it.
  setLink(netlink, b, { state: "up" });
  const withAddress = listAddresses(netlink).map(({ ifindex }) => ifindex);
  assertEquals(withAddress, [b], "only b has a link-local address");
  setLink(netlink, a, { state: "down" });
  assertEquals(findLink(netlink, "a")?.up, false);
  assertEquals(findLink(netlink, "a")?.mtu, 9000, "what is absent stays");
});

netnsTest("listLinks() puts an answer of many parts together", () => {
  using netns = createNetns();
  using netlink = openRtnetlink(netns);
  const names = Array.from({ length: 40 }, (_, index) => `a${index}`);
  for (const name of names) createVeth(netlink, { name, peer: { name: `peer-${name}` } });
  const links = listLinks(netlink); // about 60 KiB, in packets of at most 32
  assertEquals(links.length, 1 + 2 * names.length);
  assertEquals(names.filter((name) => !links.some((link) => link.name === name)), []);
});

netnsTest("deleteLink() and setLink() name an interface that is not there", () => {
  using netns = createNetns();
  using netlink = openRtnetlink(netns);
  assertThrows(
    () => deleteLink(netlink, 99),
    NetlinkError,
    'delete interface "ifindex 99": ENODEV',
  );
  assertThrows(() => setLink(netlink, 99, { state: "up" }), NetlinkError, "ENODEV");
});

Deno.test("createVeth() refuses bad arguments before the kernel sees them", () => {
  using netlink = openRtnetlink();
  const peer = { name: "twinpath-b" };
  for (const name of ["", "0123456789abcdef", "a/b", "a b", ".", "a\0", "a:b"]) {
    assertThrows(() => createVeth(netlink, { name, peer }), TypeError, "interface name");
  }
  assertThrows(
    () => createVeth(netlink, { name: "twinpath-a", mac: new Uint8Array(5), peer }),
    TypeError,
    "5 bytes, expected 6",
  );
  assertThrows(() => createVeth(netlink, { name: "twinpath-a", mtu: 1, peer }), RangeError, "MTU");
  assertThrows(() => setLink(netlink, 0, {}), RangeError, "interface");
});
