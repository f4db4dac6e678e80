/** A thread at one end of a connection: sends, waits, and takes the time. */
import { check, defineSyscall, SyscallError } from "ebpf-ts-loader/sys";
import { BLOCK_BYTES, DATAGRAM_BYTES, type Measured, type Order, WINDOW } from "./order.ts";

const read = defineSyscall("read", ["i32", "buffer", "u32"]);
const write = defineSyscall("write", ["i32", "buffer", "u32"]);

declare const self: {
  onmessage: (event: MessageEvent<Order>) => void;
  postMessage(measured: Measured): void;
};

self.onmessage = ({ data }) => self.postMessage(ENDS[data.kind][data.end](data));

/** Behind an IPv4 header without options. */
const SOURCE_PORT_OFF = 20;
/** Nothing between two namespaces takes so long. */
const PATIENCE_MS = 10_000;

type End = (order: Order) => Measured;

const ENDS: Readonly<Record<Order["kind"], Readonly<Record<Order["end"], End>>>> = {
  transactions: { client: ask, server: answer },
  stream: { client: streamOut, server: streamIn },
  datagrams: { client: datagramsOut, server: datagramsIn },
  flows: { client: flowsOut, server: flowsIn },
};

const NOTHING: Measured = new Float64Array();
const buffer = new Uint8Array(BLOCK_BYTES);

function send(fd: number, length: number): void {
  check(write(fd, buffer, length), "write");
}

function receive(fd: number): number {
  const length = check(read(fd, buffer, buffer.length), "read");
  if (length > 0) return length;
  throw new SyscallError("read", 104, { action: "go on with", subject: `fd ${fd}` });
}

/** The time of each transaction. */
function ask({ fd, count }: Order): Measured {
  const times = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    send(fd, 1);
    receive(fd);
    times[i] = (performance.now() - start) * 1e6;
  }
  return times;
}

function answer({ fd, count }: Order): Measured {
  for (let i = 0; i < count; i++) {
    receive(fd);
    send(fd, 1);
  }
  return NOTHING;
}

/** The time of all, from the first byte until the other end has the last. */
function streamOut({ fd, count }: Order): Measured {
  const start = performance.now();
  for (let left = count * BLOCK_BYTES; left > 0;) {
    left -= check(write(fd, buffer, Math.min(left, BLOCK_BYTES)), "write");
  }
  receive(fd);
  return Float64Array.of((performance.now() - start) * 1e6);
}

function streamIn({ fd, count }: Order): Measured {
  for (let left = count * BLOCK_BYTES; left > 0;) left -= receive(fd);
  send(fd, 1);
  return NOTHING;
}

function datagramsOut({ fd, count }: Order): Measured {
  const start = performance.now();
  // Two windows are under way, so that sending and receiving overlap.
  for (let sent = 0; sent < count; sent++) {
    if (sent % WINDOW === 0 && sent >= 2 * WINDOW) receive(fd);
    send(fd, DATAGRAM_BYTES);
  }
  for (let left = Math.min(2, Math.ceil(count / WINDOW)); left > 0; left--) receive(fd);
  return Float64Array.of((performance.now() - start) * 1e6);
}

function datagramsIn({ fd, count }: Order): Measured {
  for (let received = 1; received <= count; received++) {
    receive(fd);
    if (received % WINDOW === 0 || received === count) send(fd, 1);
  }
  return NOTHING;
}

function flowsOut({ fd, count, arrived, template, firstPort }: Order): Measured {
  const packet = new DataView(template.buffer);
  const start = performance.now();
  for (let sent = 0; sent < count; sent++) {
    waitForArrival(arrived, sent - 2 * WINDOW);
    packet.setUint16(SOURCE_PORT_OFF, firstPort + sent);
    check(write(fd, template, template.length), "write");
  }
  waitForArrival(arrived, count - 1);
  return Float64Array.of((performance.now() - start) * 1e6);
}

/** Returns when so many datagrams and one more have arrived. */
function waitForArrival(arrived: Int32Array, count: number): void {
  for (;;) {
    const now = Atomics.load(arrived, 0);
    if (now > count) return;
    if (Atomics.wait(arrived, 0, now, PATIENCE_MS) !== "timed-out") continue;
    throw new Error(`Cannot go on: ${now} of ${count + 1} datagrams arrived, expected all`);
  }
}

function flowsIn({ fd, count, arrived }: Order): Measured {
  for (let i = 1; i <= count; i++) {
    receive(fd);
    Atomics.store(arrived, 0, i);
    // Two windows are under way: who waits is woken before the first of them is used up.
    if (i % WINDOW === 0 || i === count) Atomics.notify(arrived, 0);
  }
  return NOTHING;
}
