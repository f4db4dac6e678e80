import { assertThrows } from "@std/assert";
import type { NodeState } from "../../src/datapath/datapath.ts";
import { checkNodeState } from "../../src/datapath/node_state.ts";
import { newMemory } from "./_memory.ts";
import { ipv4, NODE } from "./_node.ts";

const [client, server] = NODE.endpoints;

const ROWS: readonly { state: Partial<NodeState>; message: string }[] = [
  {
    state: { endpoints: [{ ...client!, id: 0 }] },
    message: `Cannot load endpoint "0": id out of range, expected 1 to 4095`,
  },
  {
    state: { endpoints: [client!, { ...server!, id: client!.id }] },
    message: `Cannot load endpoint "1": given twice, expected once`,
  },
  {
    state: { endpoints: [client!, { ...server!, ipv4: ipv4(1) }] },
    message: `Cannot load address of endpoint "10,1,0,1": given twice, expected once`,
  },
  {
    state: { endpoints: [{ ...client!, ipv6: ipv4(1) }] },
    message: `Cannot load IPv6 address of endpoint "1": 4 bytes long, expected 16 bytes`,
  },
  {
    state: { endpoints: [{ ...client!, mac: new Uint8Array(5) }] },
    message: `Cannot load MAC address of endpoint "1": 5 bytes long, expected 6 bytes`,
  },
  {
    state: { endpoints: [{ ...client!, policy: 4096 }] },
    message: `Cannot load endpoint "4096": policy out of range, expected 0 to 4095`,
  },
  {
    state: { identities: [{ identity: 300, slot: 65536 }] },
    message: `Cannot load identity "65536": slot out of range, expected 1 to 65535`,
  },
  {
    state: { identities: [{ identity: 2, slot: 256 }] },
    message: `Cannot load identity "2": slot 256, expected slot = identity for 1 to 255`,
  },
  {
    state: { identities: [{ identity: 300, slot: 7 }] },
    message: `Cannot load identity "300": slot 7, expected slot = identity for 1 to 255`,
  },
  {
    state: { identities: [{ identity: 300, slot: 256 }, { identity: 301, slot: 256 }] },
    message: `Cannot load slot "256": given twice, expected once`,
  },
  {
    state: { ipcache: [{ address: new Uint8Array(5), identity: 1 }] },
    message: `Cannot load ipcache entry "0": 5 bytes long, expected 4 or 16 bytes`,
  },
  {
    state: { ipcache: [{ address: ipv4(0), prefixLength: 33, identity: 1 }] },
    message: `Cannot load ipcache entry "33": prefixLength out of range, expected 0 to 32`,
  },
  {
    state: { ipcache: [{ address: ipv4(1), prefixLength: 24, identity: 1 }] },
    message: `Cannot load ipcache entry "0": host bits set behind /24, expected none`,
  },
  {
    state: { policies: [{ number: 4096, revision: 1, mapState: { entries: [] } }] },
    message: `Cannot load policy "4096": number out of range, expected 1 to 4095`,
  },
];

Deno.test("checkNodeState() accepts a node", () => {
  checkNodeState(NODE);
});

for (const { state, message } of ROWS) {
  Deno.test(`checkNodeState() says: ${message}`, () => {
    assertThrows(() => checkNodeState({ ...NODE, ...state }), RangeError, message);
  });
}

Deno.test("DatapathMemory.removeAddress() refuses keys that no ipcache has", () => {
  const memory = newMemory();
  memory.load(NODE);
  const keys = [
    { address: new Uint8Array(5) },
    { address: ipv4(1), prefixLength: 24 },
    { address: ipv4(0), prefixLength: 33 },
  ];
  for (const key of keys) assertThrows(() => memory.removeAddress(key), RangeError, "expected");
});
