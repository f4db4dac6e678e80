import { assertEquals, assertThrows } from "@std/assert";
import { parseIpAddress } from "../../src/cluster/ip_address.ts";
import { type PodAddresses, Topology } from "../../src/demo/topology.ts";
import { addressBytes } from "../../src/verify/address.ts";
import {
  findLink,
  listAddresses,
  listLinks,
  listNeighbours,
  listRoutes,
  NetlinkError,
  openRtnetlink,
} from "ebpf-ts-loader/netlink";
import { withoutLeaks } from "../ebpf-ts-loader/fd_leaks.ts";
import { netnsTest } from "../ebpf-ts-loader/netns_test_case.ts";

const V4 = parseIpAddress("10.1.0.10");
const V6 = parseIpAddress("fd00:10:1::10");
const POD: PodAddresses = { id: 7, namespace: "default", name: "deathstar", addresses: [V4, V6] };

netnsTest("Topology gives a pod its addresses, a way out, and the node a way in", async () => {
  await withoutLeaks(() => {
    using topology = Topology.create([POD]);
    const [pod] = topology.pods;
    using inPod = openRtnetlink(pod?.netns);
    using inNode = openRtnetlink(topology.node);
    const eth0 = findLink(inPod, "eth0");
    const lxc = findLink(inNode, "lxc7");
    assertEquals([eth0?.mac, eth0?.up, lxc?.mac, lxc?.up], [pod?.mac, true, pod?.nodeMac, true]);
    assertEquals(pod?.ifindex, lxc?.ifindex);

    const own = listAddresses(inPod).filter(({ ifindex }) => ifindex === eth0?.ifindex);
    assertEquals(
      own.map(({ address, prefixLength, tentative }) => [address, prefixLength, tentative]),
      [
        [addressBytes(V4), 32, false],
        [addressBytes(V6), 128, false],
      ],
    );
    const defaults = listRoutes(inPod).filter(({ prefixLength }) => prefixLength === 0);
    assertEquals(defaults.map(({ gateway }) => gateway), [
      Uint8Array.of(169, 254, 1, 1),
      Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
    ]);
    const known = listNeighbours(inPod).filter(({ permanent }) => permanent);
    assertEquals(known.map(({ mac }) => mac), [pod?.nodeMac, pod?.nodeMac]);
    const ways = listRoutes(inNode).filter(({ ifindex }) => ifindex === lxc?.ifindex);
    assertEquals(ways.map(({ destination }) => destination), [addressBytes(V4), addressBytes(V6)]);
  });
});

netnsTest("Topology leaves nothing behind when it cannot be built", async () => {
  using here = openRtnetlink();
  const before = listLinks(here);
  await withoutLeaks(() => {
    assertThrows(() => Topology.create([POD, POD]), NetlinkError, 'create veth "lxc7": EEXIST');
  });
  assertEquals(listLinks(here), before);
});
