import { AF, check, Fd, openSocket, SYS, syscall } from "ebpf-ts-loader/sys";
import type { PodNetwork } from "../../src/demo/topology.ts";
import { ALWAYS_PORT, SOMETIMES_PORT } from "./policies.ts";
import type { SenderOrder, Target } from "./sender_worker.ts";

const ALWAYS_TARGETS = 24;
const SOMETIMES_TARGETS = 8;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const IPPROTO_RAW = 255;
/** One thread after the other has ports of its own. */
const PORTS_PER_SENDER = 32;

/**
 * What a sender needs: a raw socket of the first pod, and sockets of the second one that take in
 * what is sent to either kind of port.
 *
 * @param index Senders of one run are numbered from 0; each has ports of its own.
 * @param sockets Owns the sockets.
 */
export function openSender(
  pods: readonly PodNetwork[],
  index: number,
  control: Int32Array,
  sockets: DisposableStack,
): SenderOrder {
  const [sender, receiver] = pods;
  const source = sender?.addresses[4];
  const destination = receiver?.addresses[4];
  if (!sender || !receiver || !source || !destination) {
    throw new TypeError('Cannot send packets: no "pods", expected two with IPv4 addresses');
  }
  const raw = sender.netns.run(() =>
    check(syscall(SYS.socket, AF.INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW), "socket")
  );
  sockets.use(new Fd(raw));
  const target = (port: number, always: boolean): Target => {
    const socket = sockets.use(openSocket(4, "udp", { netns: receiver.netns }));
    socket.bind({ address: destination, port });
    return { port, fd: socket.fd, always };
  };
  const base = index * PORTS_PER_SENDER;
  const targets = [
    ...range(ALWAYS_TARGETS).map((i) => target(ALWAYS_PORT + base + i, true)),
    ...range(SOMETIMES_TARGETS).map((i) => target(SOMETIMES_PORT + base + i, false)),
  ];
  return { fd: raw, source, destination, targets, control };
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
