import { assertEquals } from "@std/assert";
import type { PortRule } from "../../src/cluster/rule.ts";
import { addressPeer, type Peer } from "../../src/spec/peer.ts";
import { narrownessOf } from "../../src/spec/port.ts";
import { parseIpAddress } from "../../src/cluster/ip_address.ts";

const POD: Peer = {
  kind: "pod",
  namespace: "blue",
  labels: new Map(),
  ports: [
    { name: "web", port: 80, protocol: "TCP" },
    { name: "dns", port: 53, protocol: "UDP" },
    { port: 9000, protocol: "TCP" },
  ],
};
const OUTSIDE = addressPeer(parseIpAddress("192.0.2.1"));

interface Row {
  readonly description: string;
  readonly item: PortRule;
  readonly protocol: number;
  readonly port: number;
  readonly destination?: Peer;
  readonly narrowness: number | undefined;
}

const RANGE: PortRule = { ports: [{ port: 8080, endPort: 8095, protocol: "TCP" }] };
const ODD: PortRule = { ports: [{ port: 1, endPort: 1024, protocol: "TCP" }] };
const WEB: PortRule = { ports: [], namedPorts: [{ name: "web", protocol: "TCP" }] };

const TABLE: readonly Row[] = [
  {
    description: "a port",
    item: { ports: [{ port: 80, protocol: "TCP" }] },
    protocol: 6,
    port: 80,
    narrowness: 24,
  },
  {
    description: "a neighbour",
    item: { ports: [{ port: 80, protocol: "TCP" }] },
    protocol: 6,
    port: 81,
    narrowness: undefined,
  },
  {
    description: "another protocol",
    item: { ports: [{ port: 80, protocol: "TCP" }] },
    protocol: 17,
    port: 80,
    narrowness: undefined,
  },
  {
    description: "ANY is SCTP too",
    item: { ports: [{ port: 80, protocol: "ANY" }] },
    protocol: 132,
    port: 80,
    narrowness: 24,
  },
  {
    description: "ANY is not ICMP",
    item: { ports: [{ port: 8, protocol: "ANY" }] },
    protocol: 1,
    port: 8,
    narrowness: undefined,
  },
  {
    description: "port 0",
    item: { ports: [{ port: 0, protocol: "UDP" }] },
    protocol: 17,
    port: 0,
    narrowness: 8,
  },
  {
    description: "an aligned range is one block",
    item: RANGE,
    protocol: 6,
    port: 8090,
    narrowness: 20,
  },
  { description: "first of a range", item: RANGE, protocol: 6, port: 8080, narrowness: 20 },
  { description: "before a range", item: RANGE, protocol: 6, port: 8079, narrowness: undefined },
  { description: "after a range", item: RANGE, protocol: 6, port: 8096, narrowness: undefined },
  { description: "the odd start of a range", item: ODD, protocol: 6, port: 1, narrowness: 24 },
  { description: "the middle of it", item: ODD, protocol: 6, port: 700, narrowness: 15 },
  { description: "its odd end", item: ODD, protocol: 6, port: 1024, narrowness: 24 },
  { description: "a name that the pod declares", item: WEB, protocol: 6, port: 80, narrowness: 24 },
  {
    description: "a name at another port",
    item: WEB,
    protocol: 6,
    port: 8080,
    narrowness: undefined,
  },
  {
    description: "a name outside",
    item: WEB,
    protocol: 6,
    port: 80,
    destination: OUTSIDE,
    narrowness: undefined,
  },
  {
    description: "a name of another protocol",
    item: { ports: [], namedPorts: [{ name: "dns", protocol: "TCP" }] },
    protocol: 17,
    port: 53,
    narrowness: undefined,
  },
  {
    description: "a name of any protocol",
    item: { ports: [], namedPorts: [{ name: "dns", protocol: "ANY" }] },
    protocol: 17,
    port: 53,
    narrowness: 24,
  },
  {
    description: "the narrowest of several",
    item: { ports: [{ port: 0, protocol: "TCP" }, { port: 80, protocol: "TCP" }] },
    protocol: 6,
    port: 80,
    narrowness: 24,
  },
];

for (const { description, item, protocol, port, destination = POD, narrowness } of TABLE) {
  Deno.test(`narrownessOf(): ${description}`, () => {
    assertEquals(narrownessOf(item, { protocol, port, destination }), narrowness);
  });
}
