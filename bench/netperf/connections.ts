import { check, openSocket, type Socket, SYS, syscall } from "ebpf-ts-loader/sys";
import type { PodNetwork, Topology } from "../../src/demo/topology.ts";
import { TEST_PORT } from "./peer_policy.ts";

/** Both ends of a connection, as descriptors of blocking sockets. */
export interface Connection {
  readonly client: number;
  readonly server: number;
}

const F_SETFL = 4;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
/** Nothing between two namespaces takes so long; a test then fails in place of hanging. */
const TIMEOUT_SECONDS = 10n;
const LIMIT_MS = 10_000;
const CLIENT_PORT = 40_000;

/** One TCP connection and one pair of connected UDP sockets between two pods. */
export class Connections implements Disposable {
  readonly tcp: Connection;
  readonly udp: Connection;
  readonly #sockets: DisposableStack;

  private constructor(tcp: Connection, udp: Connection, sockets: DisposableStack) {
    this.tcp = tcp;
    this.udp = udp;
    this.#sockets = sockets;
  }

  /** Connects the first pod to the second. */
  static async open({ pods: [client, server] }: Topology): Promise<Connections> {
    using sockets = new DisposableStack();
    const [from, to] = [addressOf(client), addressOf(server)];
    const open = (protocol: "tcp" | "udp", pod: PodNetwork | undefined) =>
      sockets.use(openSocket(4, protocol, pod ? { netns: pod.netns } : {}));

    const listener = open("tcp", server);
    listener.bind({ address: to, port: TEST_PORT.TCP });
    listener.listen();
    const tcpClient = open("tcp", client);
    const signal = AbortSignal.timeout(LIMIT_MS);
    tcpClient.startConnect({ address: to, port: TEST_PORT.TCP });
    const tcpServer = sockets.use(await listener.accept(signal));
    await tcpClient.connected(signal);
    for (const socket of [tcpClient, tcpServer]) socket.setOption(IPPROTO_TCP, TCP_NODELAY, 1);

    const udpServer = open("udp", server);
    const udpClient = open("udp", client);
    udpServer.bind({ address: to, port: TEST_PORT.UDP });
    udpClient.bind({ address: from, port: CLIENT_PORT });
    udpServer.startConnect({ address: from, port: CLIENT_PORT });
    udpClient.startConnect({ address: to, port: TEST_PORT.UDP });

    for (const socket of [tcpClient, tcpServer, udpClient, udpServer]) makeBlocking(socket);
    return new Connections(
      { client: tcpClient.fd, server: tcpServer.fd },
      { client: udpClient.fd, server: udpServer.fd },
      sockets.move(),
    );
  }

  [Symbol.dispose](): void {
    this.#sockets.dispose();
  }
}

function addressOf(pod: PodNetwork | undefined): Uint8Array {
  const address = pod?.addresses[4];
  if (address) return address;
  throw new TypeError('Cannot connect "pods": no IPv4 address, expected two pods that have one');
}

/** A thread of its own waits in the call; what does not come is an error in the end. */
function makeBlocking({ fd }: Socket): void {
  check(syscall(SYS.fcntl, fd, F_SETFL, 0), "fcntl");
  const timeout = BigInt64Array.of(TIMEOUT_SECONDS, 0n);
  check(syscall(SYS.setsockopt, fd, SOL_SOCKET, SO_RCVTIMEO, timeout, 16), "setsockopt");
}
