import { assert, assertEquals, assertThrows } from "@std/assert";
import { loadCollection } from "ebpf-ts-loader";
import {
  addClsact,
  deleteBpfFilter,
  deleteClsact,
  listBpfFilters,
  NetlinkError,
  openRtnetlink,
  readXdp,
  type Rtnetlink,
  setBpfFilter,
} from "ebpf-ts-loader/netlink";
import { createNetns } from "ebpf-ts-loader/sys";
import { parseBpfFilter } from "../../../src/ebpf-ts-loader/netlink/traffic_control.ts";
import { fixture } from "../fixtures.ts";
import { kernelTest } from "../kernel.ts";

const LOOPBACK = 1;

/** Runs `body` with a connection to a namespace of its own. */
function withNetlink(body: (netlink: Rtnetlink) => void): () => void {
  return () => {
    using netns = createNetns();
    using netlink = openRtnetlink(netns);
    body(netlink);
  };
}

const code = (body: () => void) => assertThrows(body, NetlinkError).code;

kernelTest(
  "addClsact() and deleteClsact() tell whether it was there",
  withNetlink((netlink) => {
    assertEquals([addClsact(netlink, LOOPBACK), addClsact(netlink, LOOPBACK)], [true, false]);
    deleteClsact(netlink, LOOPBACK);
    assert(["EINVAL", "ENOENT"].includes(code(() => deleteClsact(netlink, LOOPBACK))));
    assertEquals(code(() => addClsact(netlink, 9999)), "ENODEV");
  }),
);

kernelTest(
  "setBpfFilter() makes, refuses and replaces filters; listBpfFilters() has them in order",
  withNetlink((netlink) => {
    using collection = loadCollection(fixture("tc.bpf.o"), { only: ["tail_target", "jump"] });
    const [first, second] = [collection.program("tail_target"), collection.program("jump")];
    const place = { ifindex: LOOPBACK, direction: "egress", priority: 7 } as const;
    const set = (program: typeof first, priority: number, mode: "create" | "replace") =>
      setBpfFilter(netlink, { ...place, priority, programFd: program.fd, name: "x", mode });
    addClsact(netlink, LOOPBACK);
    set(first, 7, "create");
    set(second, 3, "create");
    assertEquals(code(() => set(second, 7, "create")), "EEXIST");
    const ids = () =>
      listBpfFilters(netlink, LOOPBACK, "egress").map(({ priority, programId }) => [
        priority,
        programId,
      ]);
    assertEquals(ids(), [[3, second.info().id], [7, first.info().id]]);
    set(second, 7, "replace");
    assertEquals(ids(), [[3, second.info().id], [7, second.info().id]]);
    assertEquals(listBpfFilters(netlink, LOOPBACK, "ingress"), []);
    deleteBpfFilter(netlink, { ...place, priority: 3 });
    assertEquals(listBpfFilters(netlink, LOOPBACK, "egress"), [
      { ...place, handle: 1, programId: second.info().id, name: "x" },
    ]);
    assertEquals(code(() => deleteBpfFilter(netlink, { ...place, priority: 3 })), "ENOENT");
  }),
);

kernelTest(
  "setBpfFilter() needs a clsact and a tc program",
  withNetlink((netlink) => {
    using collection = loadCollection(fixture("tc.bpf.o"), { only: ["tail_target", "counters"] });
    const options = {
      ifindex: LOOPBACK,
      direction: "ingress",
      priority: 1,
      programFd: collection.program("tail_target").fd,
      name: "x",
      mode: "create",
    } as const;
    assert(["EINVAL", "ENOENT"].includes(code(() => setBpfFilter(netlink, options))));
    addClsact(netlink, LOOPBACK);
    const map = { ...options, programFd: collection.map("counters").fd };
    assertEquals(code(() => setBpfFilter(netlink, map)), "EINVAL");
    assertEquals(listBpfFilters(netlink, LOOPBACK, "ingress"), []);
    assertThrows(() => setBpfFilter(netlink, { ...options, priority: 0 }), RangeError, "priority");
    assertThrows(() => setBpfFilter(netlink, { ...options, priority: 65536 }), RangeError);
    assertThrows(() => setBpfFilter(netlink, { ...options, handle: 0 }), RangeError, "handle");
    assertThrows(() => addClsact(netlink, 0), RangeError, "interface");
  }),
);

kernelTest(
  "readXdp() finds nothing on an interface without programs",
  withNetlink((netlink) => {
    const none = { native: undefined, generic: undefined, offload: undefined };
    assertEquals(readXdp(netlink, LOOPBACK), none);
    assertEquals(code(() => readXdp(netlink, 9999)), "ENODEV");
  }),
);

Deno.test("parseBpfFilter() leaves out other filters and chain heads", () => {
  const message = (handle: number, kind: string, flags: number) => {
    const view = new DataView(new ArrayBuffer(48));
    view.setUint32(8, handle, true);
    view.setUint32(12, 0xffff_fff2, true);
    view.setUint32(16, 5 << 16 | 0x0300, true);
    view.setUint16(20, 8, true);
    view.setUint16(22, 1, true); // TCA_KIND
    new Uint8Array(view.buffer).set(new TextEncoder().encode(kind), 24);
    view.setUint16(28, 20, true);
    view.setUint16(30, 2, true); // TCA_OPTIONS: TCA_BPF_FLAGS, TCA_BPF_ID
    view.setUint16(32, 8, true);
    view.setUint16(34, 8, true);
    view.setUint32(36, flags, true);
    view.setUint16(40, 8, true);
    view.setUint16(42, 11, true);
    view.setUint32(44, 77, true);
    return new Uint8Array(view.buffer);
  };
  const expected = {
    ifindex: 0,
    direction: "ingress" as const,
    priority: 5,
    handle: 1,
    programId: 77,
    name: "",
  };
  assertEquals(parseBpfFilter(message(1, "bpf\0", 1)), expected);
  assertEquals(parseBpfFilter(message(0, "bpf\0", 1)), undefined);
  assertEquals(parseBpfFilter(message(1, "u32\0", 1)), undefined);
  assertEquals(parseBpfFilter(message(1, "bpf\0", 0)), undefined);
});
