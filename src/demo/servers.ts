import { openSocket, type Socket } from "ebpf-ts-loader/sys";
import { addressOf, type Probe } from "./probe.ts";

/**
 * TCP and UDP servers in the pods that send back what they receive; one for every (pod, family,
 * protocol, port) that the probes go to. ICMP echo is answered by the kernel.
 */
export class EchoServers implements AsyncDisposable {
  readonly #sockets = new DisposableStack();
  readonly #abort = new AbortController();
  readonly #running: Promise<void>[] = [];

  /** @throws SyscallError If a port cannot be taken. Nothing is left open then. */
  constructor(probes: readonly Probe[]) {
    const started = new Set<string>();
    try {
      for (const probe of probes) {
        const { destination, family, protocol, port } = probe;
        const key = `${destination.id} ${family} ${protocol} ${port}`;
        if (protocol === "ICMP" || started.has(key)) continue;
        started.add(key);
        this.#start(probe);
      }
    } catch (error) {
      this.#sockets.dispose();
      throw error;
    }
  }

  #start({ destination, family, protocol, port }: Probe): void {
    const tcp = protocol === "TCP";
    const socket = this.#sockets.use(
      openSocket(family, tcp ? "tcp" : "udp", { netns: destination.netns }),
    );
    socket.bind({ address: addressOf(destination, family), port });
    if (tcp) socket.listen();
    const { signal } = this.#abort;
    this.#run(tcp ? this.#acceptAll(socket, signal) : echoDatagrams(socket, signal));
  }

  /** Follows a task to its end. A client that goes away half-way is no failure of the server. */
  #run(task: Promise<void>): void {
    this.#running.push(task.catch(() => {}));
  }

  async #acceptAll(listener: Socket, signal: AbortSignal): Promise<void> {
    for (;;) this.#run(echoStream(await listener.accept(signal), signal));
  }

  /** Stops all servers and waits until they have ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort(new DOMException("The servers stop", "AbortError"));
    await Promise.all(this.#running);
    this.#sockets.dispose();
  }
}

async function echoStream(connection: Socket, signal: AbortSignal): Promise<void> {
  using stream = connection;
  for (;;) {
    const { data } = await stream.receive(signal);
    if (data.length === 0) return;
    stream.send(data);
  }
}

async function echoDatagrams(socket: Socket, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { data, from } = await socket.receive(signal);
    if (from) socket.sendTo(data, from);
  }
}
