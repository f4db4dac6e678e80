import { assert, assertEquals, assertMatch } from "@std/assert";
import { kernelFeatures } from "ebpf-ts-loader";
import { openRtnetlink, setLink } from "ebpf-ts-loader/netlink";
import { createNetns, Epoll, type Netns, openSocket } from "ebpf-ts-loader/sys";
import { kernelTest } from "../kernel.ts";

const FOLDER = new URL("../../../src/ebpf-ts-loader/examples/", import.meta.url);
const LOOPBACK = 1;
const LOCALHOST = Uint8Array.of(127, 0, 0, 1);
const MAX_LINES = 40;

/** An example that runs as a process of its own, and the lines it prints. */
class Example implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(netns: Netns, name: string, args: readonly string[]) {
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", new URL(name, FOLDER).pathname, ...args],
      stdout: "piped",
      stderr: "inherit",
    });
    this.#process = netns.run(() => command.spawn());
    this.#lines = linesOf(this.#process.stdout);
  }

  /** The next line; fails if the process ends before. */
  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    assert(!done, "the example ended");
    return value;
  }

  /** Reads until a line matches; each is asked after `between` has been done. */
  async lineLike(pattern: RegExp, between: () => void): Promise<RegExpExecArray> {
    for (;;) {
      between();
      const match = pattern.exec(await this.line());
      if (match) return match;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGINT");
    await this.#lines.return?.();
    await this.#process.status;
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}

/** Runs an example in a namespace whose loopback is up. */
async function withExample(
  name: string,
  args: readonly string[],
  body: (example: Example, network: { netns: Netns; epoll: Epoll }) => Promise<void>,
): Promise<void> {
  const epoll = new Epoll();
  {
    using netns = createNetns();
    using netlink = openRtnetlink(netns);
    setLink(netlink, LOOPBACK, { state: "up" });
    await using example = new Example(netns, name, args);
    await body(example, { netns, epoll });
  }
  epoll[Symbol.dispose]();
  await epoll.closed();
}

kernelTest("count_packets.ts counts packets by protocol", async () => {
  await withExample("count_packets.ts", ["lo"], async (example, { netns, epoll }) => {
    using sender = openSocket(4, "udp", { netns, epoll });
    using receiver = openSocket(4, "udp", { netns, epoll });
    receiver.bind({ address: LOCALHOST, port: 0 });
    let sent = 0;
    const send = () => {
      sender.sendTo(Uint8Array.of(1), receiver.localAddress);
      sent++;
    };
    assertMatch(await example.line(), /^ICMP 0, TCP 0, UDP 0, not IPv4 \d+$/);
    const match = await example.lineLike(/UDP ([1-9]\d*),/, send);
    assert(Number(match[1]) <= sent);
  });
});

kernelTest("watch_connections.ts prints connections from a ring buffer", async () => {
  await withExample("watch_connections.ts", ["lo"], async (example, network) => {
    using server = openSocket(4, "tcp", network);
    server.bind({ address: LOCALHOST, port: 8125 });
    server.listen();
    // Connects again and again: the example takes a while to start.
    const timer = setInterval(() => {
      using client = openSocket(4, "tcp", network);
      client.startConnect(server.localAddress);
    }, 100);
    try {
      assertEquals(await example.line(), "127.0.0.1 → 127.0.0.1:8125");
    } finally {
      clearInterval(timer);
    }
  });
});

kernelTest("firewall.ts drops packets to the blocked ports only", async () => {
  await withExample("firewall.ts", ["lo", "8126"], async (example, { netns, epoll }) => {
    assertEquals(await example.line(), "blocking 8126 on lo");
    using sender = openSocket(4, "udp", { netns, epoll });
    const arrives = (port: number) => {
      using receiver = openSocket(4, "udp", { netns, epoll });
      receiver.bind({ address: LOCALHOST, port });
      sender.sendTo(Uint8Array.of(1), { address: LOCALHOST, port });
      return receiver.tryReceive() !== undefined;
    };
    assertEquals([arrives(8126), arrives(8127), arrives(8126)], [false, true, false]);
    await example.lineLike(/^port 8126: 2 dropped$/, () => {});
  });
}, { unless: kernelFeatures.tcx() === "yes" ? undefined : "no TCX" });

for (const name of ["count_packets.ts", "watch_connections.ts", "firewall.ts"]) {
  Deno.test(`${name} has fewer than ${MAX_LINES} lines`, async () => {
    const text = await Deno.readTextFile(new URL(name, FOLDER));
    assert(text.split("\n").length - 1 < MAX_LINES);
  });
}
