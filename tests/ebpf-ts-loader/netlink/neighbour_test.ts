import { assertEquals, assertThrows } from "@std/assert";
import {
  createVeth,
  deleteNeighbour,
  findLink,
  listNeighbours,
  NetlinkError,
  openRtnetlink,
  setLink,
  setNeighbour,
} from "ebpf-ts-loader/netlink";
import { createNetns } from "ebpf-ts-loader/sys";
import { netnsTest } from "../netns_test_case.ts";

const V4 = Uint8Array.of(169, 254, 1, 1);
const V6 = Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const MAC = Uint8Array.of(2, 0, 0, 0, 0, 1);
const OTHER_MAC = Uint8Array.of(2, 0, 0, 0, 0, 2);

netnsTest("setNeighbour() sets permanent neighbours and replaces them", () => {
  using netns = createNetns();
  using netlink = openRtnetlink(netns);
  createVeth(netlink, { name: "a", peer: { name: "b" } });
  const ifindex = findLink(netlink, "a")?.ifindex ?? 0;
  setLink(netlink, ifindex, { state: "up", ipv6LinkLocal: false });
  const ours = () => listNeighbours(netlink).filter((each) => each.permanent);

  setNeighbour(netlink, { ifindex, address: V4, mac: OTHER_MAC });
  setNeighbour(netlink, { ifindex, address: V4, mac: MAC });
  setNeighbour(netlink, { ifindex, address: V6, mac: MAC });
  assertEquals(ours(), [
    { ifindex, address: V4, mac: MAC, permanent: true },
    { ifindex, address: V6, mac: MAC, permanent: true },
  ]);
  deleteNeighbour(netlink, { ifindex, address: V4 });
  deleteNeighbour(netlink, { ifindex, address: V6 });
  assertEquals(ours(), []);
  assertThrows(
    () => deleteNeighbour(netlink, { ifindex, address: V4 }),
    NetlinkError,
    'Cannot delete neighbour on "ifindex',
  );
});

Deno.test("setNeighbour() refuses bad arguments before the kernel sees them", () => {
  using netlink = openRtnetlink();
  assertThrows(
    () => setNeighbour(netlink, { ifindex: 1, address: V4, mac: new Uint8Array(8) }),
    TypeError,
    "8 bytes, expected 6",
  );
});
