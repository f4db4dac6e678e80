import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Epoll, openSocket, type Socket, SyscallError } from "ebpf-ts-loader/sys";
import { withoutLeaks } from "../fd_leaks.ts";

const LOCALHOST4 = Uint8Array.of(127, 0, 0, 1);
const LOCALHOST6 = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const FAMILIES = [[4, LOCALHOST4], [6, LOCALHOST6]] as const;

/** Runs `body` with an epoll of its own, whose end it waits for. */
async function withEpoll(body: (epoll: Epoll) => Promise<void>): Promise<void> {
  await withoutLeaks(async () => {
    const epoll = new Epoll();
    try {
      await body(epoll);
    } finally {
      epoll[Symbol.dispose]();
      await epoll.closed();
    }
  });
}

function bound(socket: Socket, address: Uint8Array): Socket {
  socket.bind({ address, port: 0 });
  return socket;
}

for (const [family, address] of FAMILIES) {
  Deno.test(`Socket exchanges bytes over TCP on IPv${family}`, async () => {
    await withEpoll(async (epoll) => {
      using server = bound(openSocket(family, "tcp", { epoll }), address);
      server.listen();
      using client = openSocket(family, "tcp", { epoll });
      client.startConnect(server.localAddress);
      const [, accepted] = await Promise.all([client.connected(), server.accept()]);
      using connection = accepted;
      assertEquals(client.send(Uint8Array.of(1, 2, 3)), 3);
      assertEquals([...(await connection.receive()).data], [1, 2, 3]);
      connection[Symbol.dispose]();
      assertEquals((await client.receive()).data.length, 0, "end of stream");
    });
  });

  Deno.test(`Socket exchanges datagrams over UDP on IPv${family}`, async () => {
    await withEpoll(async (epoll) => {
      using server = bound(openSocket(family, "udp", { epoll }), address);
      using client = bound(openSocket(family, "udp", { epoll }), address);
      assertEquals(server.tryReceive(), undefined);
      const answer = server.receive();
      client.sendTo(Uint8Array.of(7), server.localAddress);
      const { data, from } = await answer;
      assertEquals([...data], [7]);
      assertEquals(from, client.localAddress);
    });
  });
}

Deno.test("Socket.connected() rejects with the error of the connection", async () => {
  await withEpoll(async (epoll) => {
    const closed = bound(openSocket(4, "tcp", { epoll }), LOCALHOST4);
    const target = closed.localAddress;
    closed[Symbol.dispose]();
    using client = openSocket(4, "tcp", { epoll });
    const error = await assertRejects(async () => {
      client.startConnect(target);
      await client.connected();
    }, SyscallError);
    assertEquals(error.code, "ECONNREFUSED");
  });
});

Deno.test("Socket stops waiting when its signal is aborted", async () => {
  await withEpoll(async (epoll) => {
    using server = bound(openSocket(4, "udp", { epoll }), LOCALHOST4);
    const reason = new Error("enough");
    const controller = new AbortController();
    const waiting = assertRejects(() => server.receive(controller.signal), Error, "enough");
    controller.abort(reason);
    await waiting;
    await assertRejects(() => server.receive(controller.signal), Error, "enough");
    assertEquals(epoll.size, 0);
  });
});

Deno.test("Socket stops waiting when it is disposed", async () => {
  await withEpoll(async (epoll) => {
    const server = bound(openSocket(4, "udp", { epoll }), LOCALHOST4);
    const waiting = assertRejects(() => server.receive(), TypeError, "closed");
    server[Symbol.dispose]();
    await waiting;
    assertThrows(() => server.fd, TypeError, "closed");
  });
});

Deno.test("Socket refuses a second wait at the same time", async () => {
  await withEpoll(async (epoll) => {
    using server = bound(openSocket(4, "udp", { epoll }), LOCALHOST4);
    const first = assertRejects(() => server.receive(), TypeError, "closed");
    await assertRejects(() => server.receive(), TypeError, "already awaited");
    server[Symbol.dispose]();
    await first;
  });
});

Deno.test("Socket.bind() names the errno", () => {
  using first = bound(openSocket(4, "tcp"), LOCALHOST4);
  first.listen();
  using second = openSocket(4, "tcp");
  assertThrows(() => second.bind(first.localAddress), SyscallError, "EADDRINUSE from bind");
  assert(first.localAddress.port > 0);
});
