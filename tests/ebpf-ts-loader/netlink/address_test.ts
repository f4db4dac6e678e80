import { assertEquals, assertThrows } from "@std/assert";
import {
  addAddress,
  deleteAddress,
  listAddresses,
  NetlinkError,
  openRtnetlink,
  setLink,
} from "ebpf-ts-loader/netlink";
import { createNetns } from "ebpf-ts-loader/sys";
import { netnsTest } from "../netns_test_case.ts";

const V4 = Uint8Array.of(10, 1, 0, 10);
const V6 = Uint8Array.of(0xfd, 0, 0, 0x10, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10);
const LO = 1;

netnsTest("addAddress() gives both families, IPv6 usable at once without detection", () => {
  using netns = createNetns();
  using netlink = openRtnetlink(netns);
  const addresses = [
    { ifindex: LO, address: V4, prefixLength: 32 },
    { ifindex: LO, address: V6, prefixLength: 128 },
  ];
  for (const address of addresses) addAddress(netlink, address, { duplicateDetection: false });
  assertEquals(
    listAddresses(netlink),
    addresses.map((address) => ({ ...address, tentative: false })),
  );
  for (const address of addresses) deleteAddress(netlink, address);
  assertEquals(listAddresses(netlink), []);
});

netnsTest("addAddress() says what the kernel says about an address that is there", () => {
  using netns = createNetns();
  using netlink = openRtnetlink(netns);
  setLink(netlink, LO, { state: "up" });
  const address = { ifindex: LO, address: V6, prefixLength: 128 };
  addAddress(netlink, address);
  const error = assertThrows(
    () => addAddress(netlink, address),
    NetlinkError,
    'Cannot add address to "ifindex 1": EEXIST (',
  );
  assertEquals(typeof error.detail, "string");
});

Deno.test("addAddress() refuses bad arguments before the kernel sees them", () => {
  using netlink = openRtnetlink();
  const good = { ifindex: LO, address: V4, prefixLength: 32 };
  for (const prefixLength of [-1, 33, 1.5]) {
    assertThrows(() => addAddress(netlink, { ...good, prefixLength }), RangeError, "0 to 32");
  }
  assertThrows(() => addAddress(netlink, { ...good, address: new Uint8Array(5) }), TypeError);
  assertThrows(() => addAddress(netlink, { ...good, ifindex: -1 }), RangeError);
});
