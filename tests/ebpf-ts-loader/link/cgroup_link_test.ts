import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  attachCgroup,
  AttachType,
  head,
  kernelFeatures,
  LinkType,
  NotSupportedError,
  openPinnedLink,
  queryCgroup,
  unpin,
} from "ebpf-ts-loader";
import { type Netns, openSocket, SyscallError } from "ebpf-ts-loader/sys";
import type { Epoll } from "ebpf-ts-loader/sys";
import {
  bpffsMissing,
  cgroupMissing,
  kernelTest,
  mustMakeCgroup,
  type TestCgroup,
  uniqueBpffsPath,
} from "../kernel.ts";
import { loadLinks, LOCALHOST, met, mustMakeNetns, withEpoll } from "./_link_test_case.ts";

const PORT = 8123;
const { CGROUP_INET_EGRESS } = AttachType;

/** The cgroup (v2) that this process is in. */
function ownCgroup(root: string): string {
  const line = Deno.readTextFileSync("/proc/self/cgroup").split("\n")
    .find((each) => each.startsWith("0::"));
  return `${root}${line?.slice(3) ?? "/"}`;
}

/** Runs `body` with this process inside a cgroup: sockets made there belong to it. */
async function inside(cgroup: TestCgroup, body: () => Promise<void>): Promise<void> {
  const before = ownCgroup(cgroup.path.slice(0, cgroup.path.lastIndexOf("/")));
  const move = (path: string) => Deno.writeTextFileSync(`${path}/cgroup.procs`, String(Deno.pid));
  move(cgroup.path);
  try {
    await body();
  } finally {
    move(before);
  }
}

async function connect(netns: Netns, epoll: Epoll, port: number): Promise<void> {
  using server = openSocket(4, "tcp", { netns, epoll });
  server.bind({ address: LOCALHOST, port });
  server.listen();
  using client = openSocket(4, "tcp", { netns, epoll });
  client.startConnect({ address: LOCALHOST, port });
  await client.connected();
}

kernelTest("attachCgroup() decides on the connections of processes inside", async () => {
  using netns = mustMakeNetns();
  using cgroup = mustMakeCgroup();
  using collection = loadLinks(["deny_port"], { config_port: PORT });
  const program = collection.program("deny_port");
  await withEpoll(async (epoll) => {
    using link = attachCgroup(program, { cgroup: cgroup.path });
    await connect(netns, epoll, PORT);
    await inside(cgroup, async () => {
      await assertRejects(() => connect(netns, epoll, PORT), SyscallError, "EPERM");
      await connect(netns, epoll, PORT + 1);
      link.detach();
      await connect(netns, epoll, PORT);
    });
    assertEquals(met(collection, "deny_port"), 2);
  });
}, { unless: cgroupMissing });

kernelTest(
  "attachCgroup() takes several programs; queryCgroup() lists them with ancestors'",
  () => {
    using parent = mustMakeCgroup();
    const child = `${parent.path}/child`;
    Deno.mkdirSync(child);
    try {
      using collection = loadLinks(["cgroup_pass"]);
      using other = loadLinks(["cgroup_pass"]);
      const [first, second] = [collection.program("cgroup_pass"), other.program("cgroup_pass")];
      const ids = (cgroup: string, which: "own" | "all") =>
        queryCgroup(cgroup, CGROUP_INET_EGRESS, { which }).programs.map((each) => each.programId);
      const [a, b] = [first.info().id, second.info().id];
      {
        using link = attachCgroup(first, { cgroup: child });
        using _both = attachCgroup(second, { cgroup: child });
        using _above = attachCgroup(second, { cgroup: parent.path });
        assertEquals(ids(child, "own"), [a, b]);
        assertEquals(
          ids(child, "all").toSorted((x, y) => x - y),
          [a, b, b].toSorted((x, y) => x - y),
        );
        const { type, attachType, programId, cgroupId } = link.info();
        assertEquals([type, attachType, programId], [LinkType.CGROUP, CGROUP_INET_EGRESS, a]);
        assertEquals(cgroupId, BigInt(Deno.statSync(child).ino ?? 0));
        link.update(second, first);
        assertEquals(ids(child, "own"), [b, b]);
      }
      assertEquals([ids(child, "own"), ids(child, "all")], [[], []]);
    } finally {
      Deno.removeSync(child);
    }
  },
  { unless: cgroupMissing },
);

/** Whether the running kernel orders a cgroup's programs. */
function ordersCgroups(): boolean {
  const [major = 0, minor = 0] = Deno.osRelease().split(".").map(Number);
  return major > 6 || major === 6 && minor >= 17;
}

kernelTest("attachCgroup() honours position and revision", () => {
  using cgroup = mustMakeCgroup();
  using collection = loadLinks(["cgroup_pass"]);
  using other = loadLinks(["cgroup_pass"]);
  const [first, second] = [collection.program("cgroup_pass"), other.program("cgroup_pass")];
  const at = { cgroup: cgroup.path };
  using _first = attachCgroup(first, at);
  const { revision } = queryCgroup(cgroup.path, CGROUP_INET_EGRESS);
  using _second = attachCgroup(second, { ...at, position: head(), expectedRevision: revision });
  assertEquals(
    queryCgroup(cgroup.path, CGROUP_INET_EGRESS).programs.map((each) => each.programId),
    [second.info().id, first.info().id],
  );
  const stale = () => attachCgroup(first, { ...at, expectedRevision: revision });
  assertEquals(assertThrows(stale, SyscallError).code, "ESTALE");
}, { unless: ordersCgroups() ? cgroupMissing : "Linux older than 6.17" });

kernelTest("a pinned cgroup link outlives its handle", () => {
  using cgroup = mustMakeCgroup();
  using collection = loadLinks(["cgroup_pass"]);
  const path = uniqueBpffsPath("cgroup");
  {
    using link = attachCgroup(collection.program("cgroup_pass"), { cgroup: cgroup.path });
    link.pin(path);
  }
  try {
    assertEquals(queryCgroup(cgroup.path, CGROUP_INET_EGRESS).programs.length, 1);
    using again = openPinnedLink(path);
    again.detach();
    assertEquals(again.info().cgroupId, 0n);
  } finally {
    unpin(path);
  }
}, { unless: cgroupMissing ?? bpffsMissing });

kernelTest("attachCgroup() names the cgroup and the kernel that is needed", () => {
  using cgroup = mustMakeCgroup();
  using collection = loadLinks(["cgroup_pass", "tc_pass"]);
  const program = collection.program("cgroup_pass");
  assertThrows(
    () => attachCgroup(program, { cgroup: "/no/such/cgroup" }),
    SyscallError,
    'Cannot open "/no/such/cgroup": ENOENT',
  );
  assertThrows(() => attachCgroup(program, { cgroup: "/tmp" }), SyscallError, "EBADF");
  const wrong = () => attachCgroup(collection.program("tc_pass"), { cgroup: cgroup.path });
  assertThrows(wrong, SyscallError, "EINVAL");
  using _old = kernelFeatures.pretend("cgroup links", "no");
  assertThrows(wrong, NotSupportedError, "cgroup links not supported, expected Linux 5.7 or newer");
}, { unless: cgroupMissing });
