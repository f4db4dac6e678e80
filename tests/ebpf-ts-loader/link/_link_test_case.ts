import { assertEquals } from "@std/assert";
import { type Collection, loadCollection, type VariableValue } from "ebpf-ts-loader";
import { openRtnetlink, setLink } from "ebpf-ts-loader/netlink";
import { createNetns, Epoll, type Netns, openSocket } from "ebpf-ts-loader/sys";
import { fixture } from "../fixtures.ts";

/** The loopback of a namespace. */
export const LOOPBACK = 1;
/** 127.0.0.1. */
export const LOCALHOST: Uint8Array<ArrayBuffer> = Uint8Array.of(127, 0, 0, 1);

/** Programs of links.bpf.c, by their number in the map `met`. */
const NUMBER = {
  xdp_pass: 0,
  xdp_drop: 1,
  tc_next: 2,
  tc_drop: 3,
  tc_pass: 4,
  cgroup_pass: 5,
  deny_port: 6,
  steer: 7,
} as const;

/** Name of a program of links.bpf.c. */
export type LinkProgram = keyof typeof NUMBER;

/** Loads some programs of links.bpf.c. */
export function loadLinks(
  only: readonly LinkProgram[],
  variables: Record<string, VariableValue> = {},
): Collection {
  return loadCollection(fixture("links.bpf.o"), { only, variables });
}

/** Packets that a program has met. */
export function met(collection: Collection, program: LinkProgram): number {
  const value = collection.map("met").lookup(NUMBER[program]);
  return Number(new BigUint64Array(value?.buffer ?? new ArrayBuffer(8))[0]);
}

/** A namespace whose loopback is up. */
export function mustMakeNetns(): Netns {
  using stack = new DisposableStack();
  const netns = stack.use(createNetns());
  using netlink = openRtnetlink(netns);
  setLink(netlink, LOOPBACK, { state: "up" });
  stack.move();
  return netns;
}

/** Runs `body` with an epoll of its own, closed at the end. */
export async function withEpoll(body: (epoll: Epoll) => Promise<void>): Promise<void> {
  const epoll = new Epoll();
  try {
    await body(epoll);
  } finally {
    epoll[Symbol.dispose]();
    await epoll.closed();
  }
}

/** Sends a datagram over the loopback and tells whether it arrived: the loopback never waits. */
export function sendOnLoopback(netns: Netns, epoll: Epoll): boolean {
  using server = openSocket(4, "udp", { netns, epoll });
  using client = openSocket(4, "udp", { netns, epoll });
  server.bind({ address: LOCALHOST, port: 0 });
  client.sendTo(Uint8Array.of(1), server.localAddress);
  return server.tryReceive() !== undefined;
}

/** Checks the number of packets that a program has met. */
export function assertMet(collection: Collection, program: LinkProgram, expected: number): void {
  assertEquals(met(collection, program), expected, `packets met by ${program}`);
}
