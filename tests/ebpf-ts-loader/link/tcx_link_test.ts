import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  afterLink,
  afterProgram,
  attachTcx,
  beforeLink,
  beforeProgram,
  head,
  kernelFeatures,
  type LinkPosition,
  loadCollection,
  NotSupportedError,
  openPinnedTcx,
  queryTcx,
  tail,
} from "ebpf-ts-loader";
import { openRtnetlink, setLink } from "ebpf-ts-loader/netlink";
import { createNetns, Epoll, openSocket, SyscallError } from "ebpf-ts-loader/sys";
import { fixture } from "../fixtures.ts";
import { bpffsMissing, kernelTest, uniqueBpffsPath } from "../kernel.ts";

const LOOPBACK = 1;

/** Runs `body` in a network namespace of its own, whose loopback nobody else uses. */
function inNamespace(body: () => void): () => void {
  return () => {
    using netns = createNetns();
    netns.run(body);
  };
}

const load = () => loadCollection(fixture("tc.bpf.o"), { only: ["ingress", "tail_target"] });

const linkIds = (direction: "ingress" | "egress") =>
  queryTcx(LOOPBACK, direction).programs.map((each) => each.linkId);

kernelTest(
  "attachTcx() attaches until disposal, in the asked order",
  inNamespace(() => {
    // The kernel attaches a program once per interface and direction.
    using collection = loadCollection(fixture("tc.bpf.o"));
    const at = { ifindex: LOOPBACK, direction: "ingress" } as const;
    const attach = (name: string, position = tail()) =>
      attachTcx(collection.program(name), { ...at, position });
    {
      using first = attach("tail_target");
      using second = attach("loops");
      using top = attach("emit", head());
      using before = attach("jump", beforeLink(second));
      using after = attach("nested", afterLink(first));
      const order = [top, first, after, before, second];
      assertEquals(linkIds("ingress"), order.map((link) => link.info().id));
      assertEquals(linkIds("egress"), []);
    }
    assertEquals(linkIds("ingress"), []);
  }),
);

kernelTest(
  "attachTcx() takes a place beside a program",
  inNamespace(() => {
    using collection = loadCollection(fixture("tc.bpf.o"));
    const attach = (name: string, position: LinkPosition) =>
      attachTcx(collection.program(name), { ifindex: LOOPBACK, direction: "egress", position });
    using first = attach("tail_target", tail());
    using last = attach("loops", tail());
    using before = attach("jump", beforeProgram(collection.program("loops")));
    using after = attach("nested", afterProgram(collection.program("tail_target")));
    const order = [first, after, before, last];
    assertEquals(linkIds("egress"), order.map((link) => link.info().id));
    const absent = beforeProgram(collection.program("emit"));
    assertThrows(() => attach("from_container", absent), SyscallError, "ENOENT");
    assertThrows(() => attach("jump", head()), SyscallError, "EEXIST");
  }),
);

kernelTest(
  "attachTcx() needs Linux 6.6, which it finds out after a refusal",
  inNamespace(() => {
    using collection = load();
    const program = collection.program("tail_target");
    using _old = kernelFeatures.pretend("TCX", "no");
    using _link = attachTcx(program, { ifindex: LOOPBACK, direction: "ingress" });
    const bad = { flags: 0x4000_0000, relativeFd: 0 };
    const error = assertThrows(
      () => attachTcx(program, { ifindex: LOOPBACK, direction: "egress", position: bad }),
      NotSupportedError,
    );
    assertEquals(
      error.message,
      'Cannot attach "tail_target to interface 1 egress": TCX not supported, ' +
        "expected Linux 6.6 or newer",
    );
  }),
);

kernelTest(
  "TcxLink.update() swaps the program and keeps the link",
  inNamespace(() => {
    using collection = load();
    const [old, next] = [collection.program("tail_target"), collection.program("ingress")];
    using link = attachTcx(old, { ifindex: LOOPBACK, direction: "egress" });
    const before = link.info();
    assertEquals([before.programId, before.ifindex, before.attachType], [old.info().id, 1, 47]);
    link.update(next, old);
    assertEquals(link.info(), { ...before, programId: next.info().id });
    assertThrows(() => link.update(next, old), SyscallError, "EPERM");
  }),
);

kernelTest(
  "TcxLink.detach() detaches before disposal",
  inNamespace(() => {
    using collection = load();
    const at = { ifindex: LOOPBACK, direction: "ingress" } as const;
    using link = attachTcx(collection.program("tail_target"), at);
    link.detach();
    assertEquals(linkIds("ingress"), []);
    assertEquals(link.info().ifindex, 0);
  }),
);

kernelTest(
  "attachTcx() refuses a stale revision and a missing interface",
  inNamespace(() => {
    using collection = load();
    const program = collection.program("tail_target");
    const at = { ifindex: LOOPBACK, direction: "ingress" } as const;
    const { revision } = queryTcx(LOOPBACK, "ingress");
    using link = attachTcx(program, { ...at, expectedRevision: revision });
    assert(link.fd > 0);
    const stale = () => attachTcx(program, { ...at, expectedRevision: revision });
    assertEquals(assertThrows(stale, SyscallError).code, "ESTALE");
    const missing = () => attachTcx(program, { ...at, ifindex: 12345 });
    assertThrows(missing, SyscallError, "ENODEV");
    assertThrows(() => attachTcx(program, { ...at, ifindex: 2 ** 32 + 1 }), RangeError);
  }),
);

kernelTest(
  "TcxLink.pin() keeps the program attached after disposal",
  inNamespace(() => {
    const path = uniqueBpffsPath("link");
    using collection = load();
    {
      const at = { ifindex: LOOPBACK, direction: "ingress" } as const;
      using link = attachTcx(collection.program("tail_target"), at);
      link.pin(path);
    }
    try {
      assertEquals(linkIds("ingress").length, 1);
      using again = openPinnedTcx(path);
      again.detach();
    } finally {
      Deno.removeSync(path);
    }
    assertEquals(linkIds("ingress"), []);
  }),
  { unless: bpffsMissing },
);

kernelTest("an attached program meets the packets of real sockets", async () => {
  using netns = createNetns();
  using rtnetlink = openRtnetlink(netns);
  setLink(rtnetlink, LOOPBACK, { state: "up" });
  using collection = load();
  const program = collection.program("ingress");
  using _link = netns.run(() => attachTcx(program, { ifindex: LOOPBACK, direction: "ingress" }));
  const epoll = new Epoll();
  {
    using server = openSocket(4, "udp", { netns, epoll });
    using client = openSocket(4, "udp", { netns, epoll });
    server.bind({ address: Uint8Array.of(127, 0, 0, 1), port: 0 });
    for (let count = 0; count < 5; count++) {
      client.sendTo(Uint8Array.of(count), server.localAddress);
      assertEquals((await server.receive()).data[0], count); // TCX_NEXT: it arrives
    }
  }
  epoll[Symbol.dispose]();
  await epoll.closed();
  // key: {address 0, port = ETH_P_IP as stored in the context, protocol 1}; value: {u64 packets, …}
  const flow = collection.map("flows").lookup(Uint8Array.of(0, 0, 0, 0, 0x08, 0x00, 1, 0));
  assertEquals(flow?.[0], 5);
});
