import { AF, check, openSocket, Socket, SYS, syscall } from "ebpf-ts-loader/sys";
import { newPacket } from "../../src/datapath/packet_builder.ts";
import type { PodNetwork, Topology } from "../../src/demo/topology.ts";
import { TEST_PORT } from "./peer_policy.ts";

/** Both ends of a connection, as descriptors of blocking sockets. */
export interface Connection {
  readonly client: number;
  readonly server: number;
}

const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const IPPROTO_RAW = 255;
/** Behind an IPv4 header without options. */
const UDP_CHECKSUM_OFF = 26;
const F_SETFL = 4;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
/** Nothing between two namespaces takes so long; a test then fails in place of hanging. */
const TIMEOUT_SECONDS = 10n;
const LIMIT_MS = 10_000;
const CLIENT_PORT = 40_000;
const FIRST_FLOW_PORT = 1024;
const PORTS_END = 65_536;

/** Flows that have not begun: a raw socket at one end, one that takes them all in at the other. */
export interface NewFlows extends Connection {
  /** The datagram without its source port; UDP without a checksum. */
  readonly template: Uint8Array<ArrayBuffer>;
}

/** Everything that is connected between two pods, over TCP and UDP. */
export class Connections implements Disposable {
  readonly tcp: Connection;
  readonly udp: Connection;
  readonly flows: NewFlows;
  readonly #sockets: DisposableStack;
  #nextPort = FIRST_FLOW_PORT;

  private constructor(
    tcp: Connection,
    udp: Connection,
    flows: NewFlows,
    sockets: DisposableStack,
  ) {
    this.tcp = tcp;
    this.udp = udp;
    this.flows = flows;
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

    const flowServer = open("udp", server);
    flowServer.bind({ address: to, port: TEST_PORT.FLOWS });
    const raw = sockets.use(openRaw(client));
    raw.startConnect({ address: to, port: 0 });

    const all = [tcpClient, tcpServer, udpClient, udpServer, flowServer, raw];
    for (const socket of all) makeBlocking(socket);
    return new Connections(
      { client: tcpClient.fd, server: tcpServer.fd },
      { client: udpClient.fd, server: udpServer.fd },
      { client: raw.fd, server: flowServer.fd, template: datagram(from, to) },
      sockets.move(),
    );
  }

  /**
   * The first of so many source ports that no flow has had yet.
   *
   * @throws {RangeError} If no more are left.
   */
  takePorts(count: number): number {
    const first = this.#nextPort;
    this.#nextPort += count;
    if (this.#nextPort <= PORTS_END) return first;
    throw new RangeError(`Cannot begin "${count}" flows: no port is left, expected fewer rounds`);
  }

  [Symbol.dispose](): void {
    this.#sockets.dispose();
  }
}

/** A socket that sends packets with IP headers of one's own. */
function openRaw(pod: PodNetwork | undefined): Socket {
  const make = () =>
    check(syscall(SYS.socket, AF.INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW), "socket");
  return new Socket(pod ? pod.netns.run(make) : make());
}

function datagram(source: Uint8Array, destination: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(
    newPacket().ipv4({ source, destination }).udp({ source: 0, destination: TEST_PORT.FLOWS })
      .payload(new Uint8Array(8)).build(),
  );
  bytes.fill(0, UDP_CHECKSUM_OFF, UDP_CHECKSUM_OFF + 2);
  return bytes;
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
