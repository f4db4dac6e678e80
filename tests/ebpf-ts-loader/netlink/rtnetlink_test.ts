import { assertEquals, assertThrows } from "@std/assert";
import { listLinks, NetlinkError, NetlinkFormatError, openRtnetlink } from "ebpf-ts-loader/netlink";
import {
  type RequestContext,
  throwIfError,
} from "../../../src/ebpf-ts-loader/netlink/rtnetlink.ts";
import { createNetns } from "ebpf-ts-loader/sys";
import { withoutLeaks } from "../fd_leaks.ts";
import { netnsTest } from "../netns_test_case.ts";

const CONTEXT: RequestContext = { action: "try", subject: "it" };
const ACK_TLVS = 0x200;
const CAPPED = 0x100;

function acknowledgement(error: number, requestLength: number, tail: number[]) {
  const payload = new Uint8Array(20 + tail.length);
  const view = new DataView(payload.buffer);
  view.setInt32(0, error, true);
  view.setUint32(4, requestLength, true);
  payload.set(tail, 20);
  return payload;
}

Deno.test("throwIfError() takes the kernel's words from behind the request", () => {
  const text = [8, 0, 1, 0, 0x6e, 0x6f, 0x0a, 0]; // "no\n"
  const cases = [
    { flags: ACK_TLVS | CAPPED, payload: acknowledgement(-17, 999, text) },
    { flags: ACK_TLVS, payload: acknowledgement(-17, 20, [1, 1, 1, 1, ...text]) },
  ];
  for (const { flags, payload } of cases) {
    const error = assertThrows(
      () => throwIfError({ type: 2, flags, sequence: 1, payload }, CONTEXT),
      NetlinkError,
      'Cannot try "it": EEXIST (no?), expected success',
    );
    assertEquals([error.errno, error.code, error.detail], [17, "EEXIST", "no?"]);
  }
  throwIfError(
    { type: 2, flags: 0, sequence: 1, payload: acknowledgement(0, 20, []) },
    CONTEXT,
  );
});

Deno.test("throwIfError() refuses truncated acknowledgements", () => {
  const whole = acknowledgement(-1, 4_000_000_000, []);
  for (let length = 0; length < whole.length; length++) {
    const payload = whole.subarray(0, length);
    assertThrows(
      () => throwIfError({ type: 2, flags: 0, sequence: 1, payload }, CONTEXT),
      NetlinkFormatError,
    );
  }
  assertThrows(
    () => throwIfError({ type: 2, flags: ACK_TLVS, sequence: 1, payload: whole }, CONTEXT),
    NetlinkFormatError,
    "attributes at 4000000004",
  );
});

Deno.test("openRtnetlink() lists the interfaces of the thread's namespace", async () => {
  await withoutLeaks(() => {
    using netlink = openRtnetlink();
    const names = Array.from(Deno.readTextFileSync("/proc/thread-self/net/dev").matchAll(/(\S+):/g))
      .map((match) => match[1]);
    assertEquals(listLinks(netlink).map((link) => link.name).sort(), names.sort());
  });
});

netnsTest("openRtnetlink() stays in the namespace it was opened in", () => {
  using netns = createNetns();
  using netlink = openRtnetlink(netns);
  assertEquals(listLinks(netlink).map(({ ifindex, name, up }) => ({ ifindex, name, up })), [
    { ifindex: 1, name: "lo", up: false },
  ]);
});
