/**
 * Addresses and identities that change under real traffic: what is added goes in before what it
 * replaces goes out, so that no packet meets an address without an owner.
 */
import { assert, assertEquals } from "@std/assert";
import { RingBuffer } from "ebpf-ts-loader";
import { CONTROL, makeControl } from "../../bench/flip/control.ts";
import { openSender } from "../../bench/flip/open_sender.ts";
import { ALWAYS_PORT } from "../../bench/flip/policies.ts";
import type { SenderOrder, SenderResult } from "../../bench/flip/sender_worker.ts";
import { WorkerThread } from "../../bench/worker_thread.ts";
import { parseIpAddress } from "../../src/cluster/ip_address.ts";
import { readBpfObject } from "../../src/datapath/bpf_objects.ts";
import type { NodeState } from "../../src/datapath/datapath.ts";
import { DatapathMemory } from "../../src/datapath/datapath_memory.ts";
import { readEmulatorWasm } from "../../src/datapath/emulator_file.ts";
import { KernelNode } from "../../src/datapath/kernel_node.ts";
import {
  EVENT_COOKIE_OFF,
  EVENT_DIRECTION_OFF,
  EVENT_DPORT_OFF,
  EVENT_DST_IDENTITY_OFF,
  EVENT_PROTOCOL_OFF,
  EVENT_SIZE,
} from "../../src/datapath/layout.ts";
import { attachPrograms } from "../../src/demo/attach_programs.ts";
import { Topology } from "../../src/demo/topology.ts";
import { tcxTest } from "../demo/tcx_test_case.ts";
import { canonical, entry } from "./_map_state.ts";

const POLICY = 1;
const SENDER = 300;
/** Identities of the receiver in turns; each has an entry of its own. */
const RECEIVERS = [301, 302] as const;
const EGRESS = 1;
const UDP = 17;
const PACKETS = 10_000;
const CHANGES = 3000;
/** Neighbours that come and go, so that the receiver's block is made and given up. */
const NEIGHBOURS = Array.from({ length: 12 }, (_, i) => Uint8Array.of(10, 9, 0, 100 + i));

const PODS = ["10.9.0.1", "10.9.0.2"].map((address, i) => ({
  id: i + 1,
  namespace: "live",
  name: i === 0 ? "sender" : "receiver",
  addresses: [parseIpAddress(address)],
}));

function stateOf({ pods }: Topology): NodeState {
  const identityOf = (id: number) => id === 1 ? SENDER : RECEIVERS[0];
  const entries = [
    entry({ identity: 0, direction: "ingress", protocol: UDP }),
    ...RECEIVERS.map((identity) =>
      entry({ identity, direction: "egress", protocol: UDP, cookie: identity })
    ),
  ];
  return {
    endpoints: pods.map(({ id, addresses, mac, nodeMac, ifindex }) => ({
      id,
      ipv4: addresses[4],
      mac,
      nodeMac,
      ifindex,
      identity: identityOf(id),
      policy: POLICY,
    })),
    identities: [SENDER, ...RECEIVERS].map((identity) => ({ identity, slot: identity })),
    ipcache: pods.flatMap(({ id, addresses }) =>
      addresses[4] ? [{ address: addresses[4], identity: identityOf(id) }] : []
    ),
    policies: [{ number: POLICY, revision: 1, mapState: canonical(entries) }],
    events: ["drop", "policy_verdict"],
  };
}

/** `identity cookie` of the receiver, as the sender's policy saw it. */
function judgementOf(area: Uint8Array, at: number): string | undefined {
  const event = new DataView(area.buffer, area.byteOffset + at, EVENT_SIZE);
  const ofSender = event.getUint8(EVENT_PROTOCOL_OFF) === UDP &&
    event.getUint8(EVENT_DIRECTION_OFF) === EGRESS &&
    event.getUint16(EVENT_DPORT_OFF) >= ALWAYS_PORT;
  if (!ofSender) return undefined;
  const identity = event.getUint32(EVENT_DST_IDENTITY_OFF, true);
  return `${identity} ${event.getUint32(EVENT_COOKIE_OFF, true)}`;
}

tcxTest(
  "KernelIpcache.set(): under traffic every packet meets the old owner or the new one",
  async () => {
    const memory = new DatapathMemory(await readEmulatorWasm());
    using topology = Topology.create(PODS);
    const state = stateOf(topology);
    memory.load(state);
    using node = await KernelNode.create(readBpfObject("datapath"), memory, state);
    using ring = new RingBuffer(node.map("events"));
    using sockets = new DisposableStack();
    using _attached = attachPrograms(node, topology);
    const control = makeControl();
    const seen = new Map<string, number>();
    const drain = () => {
      ring.drain((area, at) => {
        const judgement = judgementOf(area, at);
        if (judgement === undefined) return;
        seen.set(judgement, (seen.get(judgement) ?? 0) + 1);
        Atomics.add(control, CONTROL.SEEN, 1);
      });
      Atomics.notify(control, CONTROL.SEEN);
    };
    const module = new URL("../../bench/flip/sender_worker.ts", import.meta.url);
    using thread = new WorkerThread<SenderOrder, SenderResult>(module);
    const sent = thread.call(openSender(topology.pods, 0, control, sockets));
    const address = state.endpoints[1]?.ipv4 ?? new Uint8Array(4);

    let changes = 0;
    const { ipcache } = node.maps;
    let ended = false; // a packet was lost
    const noteEnd = () => ended = true;
    sent.then(noteEnd, noteEnd);
    const isDone = () =>
      changes >= CHANGES && Atomics.load(control, CONTROL.SENT) >= PACKETS &&
      seen.size >= RECEIVERS.length;
    while (!ended && !isDone()) {
      const identity = RECEIVERS[++changes % RECEIVERS.length] ?? SENDER;
      const others = NEIGHBOURS.map((neighbour) => ({ address: neighbour, identity: SENDER }));
      await ipcache.set([{ address, identity }, ...others]);
      drain();
      await ipcache.remove(NEIGHBOURS.map((neighbour) => ({ address: neighbour })));
      drain();
      // The thread gets a word in.
      if (changes % 16 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    }
    Atomics.store(control, CONTROL.STOP, 1);
    const result = await sent;
    drain();

    assertEquals(
      [...seen.keys()].sort(),
      RECEIVERS.map((identity) => `${identity} ${identity}`),
    );
    assertEquals([...seen.values()].reduce((sum, count) => sum + count, 0), result.sent);
    assertEquals(result.arrived, result.mustArrive);
    assert(result.sent >= PACKETS);
  },
);
