import { assertEquals, assertThrows } from "@std/assert";
import {
  addAddress,
  addRoute,
  createVeth,
  deleteRoute,
  findLink,
  listRoutes,
  NetlinkError,
  openRtnetlink,
  type Route,
  type Rtnetlink,
  setLink,
} from "ebpf-ts-loader/netlink";
import { createNetns } from "ebpf-ts-loader/sys";
import { netnsTest } from "../netns_test_case.ts";

const ANY4 = new Uint8Array(4);
const ANY6 = new Uint8Array(16);
const GATEWAY4 = Uint8Array.of(169, 254, 1, 1);
const GATEWAY6 = Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const OWN6 = Uint8Array.of(0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9);

function mustLinkUp(netlink: Rtnetlink): number {
  createVeth(netlink, { name: "a", peer: { name: "b" } });
  const a = findLink(netlink, "a")?.ifindex ?? 0;
  const b = findLink(netlink, "b")?.ifindex ?? 0;
  setLink(netlink, a, { state: "up", ipv6LinkLocal: false });
  setLink(netlink, b, { state: "up", ipv6LinkLocal: false });
  return a;
}

netnsTest("addRoute() adds default routes through a gateway that is on the link", () => {
  using netns = createNetns();
  using netlink = openRtnetlink(netns);
  const ifindex = mustLinkUp(netlink);
  // The kernel knows no unicast gateway before the namespace has an address.
  addAddress(netlink, { ifindex, address: Uint8Array.of(10, 1, 0, 10), prefixLength: 32 });
  const routes: Route[] = [
    { destination: ANY4, prefixLength: 0, ifindex, gateway: GATEWAY4, onlink: true, metric: 7 },
    { destination: ANY6, prefixLength: 0, ifindex, gateway: GATEWAY6, onlink: true, metric: 8 },
  ];
  for (const route of routes) addRoute(netlink, route);
  assertEquals(listRoutes(netlink), routes);
  for (const route of routes) deleteRoute(netlink, route);
  assertEquals(listRoutes(netlink), []);
});

netnsTest("addRoute() adds routes to neighbours on the link", () => {
  using netns = createNetns();
  using netlink = openRtnetlink(netns);
  const ifindex = mustLinkUp(netlink);
  addAddress(netlink, { ifindex, address: OWN6, prefixLength: 128 }, { duplicateDetection: false });
  addRoute(netlink, { destination: GATEWAY4, prefixLength: 32, ifindex });
  addRoute(netlink, { destination: GATEWAY6, prefixLength: 128, ifindex });
  const text = listRoutes(netlink).map((route) =>
    `${route.destination}/${route.prefixLength} metric ${route.metric} gateway ${route.gateway}`
  );
  assertEquals(text, [
    `${GATEWAY4}/32 metric 0 gateway undefined`,
    `${OWN6}/128 metric 256 gateway undefined`,
    `${GATEWAY6}/128 metric 1024 gateway undefined`,
  ]);
});

netnsTest("addRoute() says what the kernel says about a gateway it cannot reach", () => {
  using netns = createNetns();
  using netlink = openRtnetlink(netns);
  const ifindex = mustLinkUp(netlink);
  const error = assertThrows(
    () => addRoute(netlink, { destination: ANY4, prefixLength: 0, ifindex, gateway: GATEWAY4 }),
    NetlinkError,
    "(Nexthop has invalid gateway), expected success",
  );
  assertEquals(error.code, "ENETUNREACH");
});

Deno.test("addRoute() refuses a gateway of the other family", () => {
  using netlink = openRtnetlink();
  assertThrows(
    () => addRoute(netlink, { destination: ANY4, prefixLength: 0, ifindex: 1, gateway: GATEWAY6 }),
    TypeError,
    "16 bytes, expected 4",
  );
});

netnsTest("addRoute() adds local routes to a table of their own", () => {
  using netns = createNetns();
  using netlink = openRtnetlink(netns);
  const LOOPBACK = 1;
  const TABLE = 2004; // more than the header's u8 holds
  setLink(netlink, LOOPBACK, { state: "up" });
  const main = listRoutes(netlink);
  const everything = { prefixLength: 0, type: "local", ifindex: LOOPBACK, table: TABLE } as const;
  const routes: Route[] = [
    { ...everything, destination: ANY4 },
    { ...everything, destination: ANY6 },
  ];
  for (const route of routes) addRoute(netlink, route);
  const list = () =>
    listRoutes(netlink, { table: TABLE }).map(({ type, table, destination, ifindex }) => [
      type,
      table,
      destination.length,
      ifindex,
    ]);
  assertEquals(list(), [["local", TABLE, 4, LOOPBACK], ["local", TABLE, 16, LOOPBACK]]);
  assertEquals(listRoutes(netlink), main);
  for (const route of routes) deleteRoute(netlink, route);
  assertEquals(list(), []);
});
