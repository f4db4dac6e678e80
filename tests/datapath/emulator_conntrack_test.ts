import { assertEquals } from "@std/assert";
import {
  CT_ENTRY_BYTES_OFF,
  CT_ENTRY_COOKIE_OFF,
  CT_ENTRY_EXPIRES_OFF,
  CT_ENTRY_FLAGS_OFF,
  CT_ENTRY_PACKETS_OFF,
  CT_ENTRY_REPLY_BYTES_OFF,
  CT_ENTRY_REPLY_PACKETS_OFF,
  CT_ENTRY_REPLY_TCP_FLAGS_OFF,
  CT_ENTRY_SIZE,
  CT_ENTRY_TCP_FLAGS_OFF,
  CT_FORWARD_CLOSING,
  CT_REPLY_CLOSING,
  CT_SEEN_REPLY,
  EVENT_REVISION_OFF,
  PACKET_REDIRECT,
  PACKET_SHOT,
} from "../../src/datapath/layout.ts";
import { emulator, reasons, run, SECOND } from "./_emulator.ts";
import { CLIENT, COOKIE, ip4, NODE, SERVER } from "./_node.ts";
import { WEB, WEB_REPLY } from "./_row.ts";

/** The conntrack entry with this cookie. */
function flowOf(cookie: number): DataView {
  const { values4 } = emulator.conntrack();
  for (let at = 0; at < values4.length; at += CT_ENTRY_SIZE) {
    const view = new DataView(values4.buffer, at, CT_ENTRY_SIZE);
    if (view.getUint32(CT_ENTRY_COOKIE_OFF, true) === cookie) return view;
  }
  throw new Error(`no flow with cookie ${cookie}`);
}

const at = (seconds: number) => ({ now: BigInt(seconds) * SECOND });
const [SYN, ACK] = [2, 16];
const FROM_SERVER = { endpoint: SERVER } as const;

Deno.test("Emulator lets replies pass by conntrack, not by policy", () => {
  emulator.load(NODE);
  const reply = ip4(SERVER, CLIENT).tcp({ ...WEB_REPLY, flags: ["SYN", "ACK"] });
  assertEquals(run(reply, FROM_SERVER).verdict, PACKET_SHOT);
  run(ip4(CLIENT, SERVER).tcp(WEB));
  assertEquals(run(reply, FROM_SERVER).verdict, PACKET_REDIRECT);
  assertEquals(flowOf(COOKIE.web).getUint8(CT_ENTRY_FLAGS_OFF), CT_SEEN_REPLY);
});

Deno.test("Emulator counts both directions of a flow in its entry", () => {
  emulator.load(NODE);
  const syn = ip4(CLIENT, SERVER).tcp(WEB).build();
  run(syn);
  run(ip4(SERVER, CLIENT).tcp({ ...WEB_REPLY, flags: ["SYN", "ACK"] }), FROM_SERVER);
  run(ip4(CLIENT, SERVER).tcp({ ...WEB, flags: ["ACK"] }));
  const flow = flowOf(COOKIE.egress);
  const counter = (offset: number) => flow.getBigUint64(offset, true);
  assertEquals(counter(CT_ENTRY_PACKETS_OFF), 2n);
  assertEquals(counter(CT_ENTRY_BYTES_OFF), 2n * BigInt(syn.length));
  assertEquals(counter(CT_ENTRY_REPLY_PACKETS_OFF), 1n);
  assertEquals(counter(CT_ENTRY_REPLY_BYTES_OFF), BigInt(syn.length));
  assertEquals(flow.getUint8(CT_ENTRY_TCP_FLAGS_OFF), SYN | ACK);
  assertEquals(flow.getUint8(CT_ENTRY_REPLY_TCP_FLAGS_OFF), SYN | ACK);
});

Deno.test("Emulator forgets flows when their lifetime is over", () => {
  emulator.load(NODE);
  const reply = ip4(SERVER, CLIENT).udp({ source: 53, destination: 4000 });
  run(ip4(CLIENT, SERVER).udp({ source: 4000, destination: 53 }), at(100));
  assertEquals(flowOf(COOKIE.dns).getUint32(CT_ENTRY_EXPIRES_OFF, true), 160);
  assertEquals(run(reply, { ...FROM_SERVER, ...at(159) }).verdict, PACKET_REDIRECT);
  assertEquals(run(reply, { ...FROM_SERVER, ...at(218) }).verdict, PACKET_REDIRECT);
  assertEquals(run(reply, { ...FROM_SERVER, ...at(278) }).verdict, PACKET_SHOT);
});

Deno.test("Emulator follows a TCP flow from SYN to close, and opens it anew", () => {
  emulator.load(NODE);
  const expires = () => flowOf(COOKIE.web).getUint32(CT_ENTRY_EXPIRES_OFF, true);
  const flags = () => flowOf(COOKIE.web).getUint8(CT_ENTRY_FLAGS_OFF);
  run(ip4(CLIENT, SERVER).tcp(WEB), at(100));
  assertEquals(expires(), 100 + 60);
  run(ip4(SERVER, CLIENT).tcp({ ...WEB_REPLY, flags: ["SYN", "ACK"] }), {
    ...FROM_SERVER,
    ...at(101),
  });
  assertEquals(expires(), 101 + 60);
  run(ip4(CLIENT, SERVER).tcp({ ...WEB, flags: ["ACK"] }), at(102));
  assertEquals(expires(), 102 + 8000);
  run(ip4(CLIENT, SERVER).tcp({ ...WEB, flags: ["FIN", "ACK"] }), at(200));
  assertEquals([expires(), flags()], [200 + 8000, CT_SEEN_REPLY | CT_FORWARD_CLOSING]);
  run(ip4(SERVER, CLIENT).tcp({ ...WEB_REPLY, flags: ["FIN", "ACK"] }), {
    ...FROM_SERVER,
    ...at(201),
  });
  assertEquals(
    [expires(), flags()],
    [201 + 10, CT_SEEN_REPLY | CT_FORWARD_CLOSING | CT_REPLY_CLOSING],
  );
  run(ip4(CLIENT, SERVER).tcp(WEB), at(202));
  assertEquals([expires(), flags()], [202 + 60, 0]);
});

Deno.test("Emulator tracks an echo by its id", () => {
  emulator.load(NODE);
  run(ip4(CLIENT, SERVER).icmp({ type: 8, id: 5 }));
  const reply = (id: number) => run(ip4(SERVER, CLIENT).icmp({ type: 0, id }), FROM_SERVER).verdict;
  assertEquals([reply(5), reply(6)], [PACKET_REDIRECT, PACKET_SHOT]);
});

Deno.test("Emulator asks policy on every packet of an established flow", () => {
  emulator.load(NODE);
  assertEquals(run(ip4(CLIENT, SERVER).tcp(WEB)).verdict, PACKET_REDIRECT);
  emulator.replacePolicy({ number: 2, revision: 23, mapState: { entries: [] } });
  reasons();
  const next = run(ip4(CLIENT, SERVER).tcp({ ...WEB, flags: ["ACK"] }));
  assertEquals(next.verdict, PACKET_SHOT);
  const { bytes } = emulator.drainEvents();
  assertEquals(new DataView(bytes.buffer).getUint32(EVENT_REVISION_OFF, true), 23);
});

Deno.test("Emulator takes no answers of a flow that policy has ended", () => {
  emulator.load(NODE);
  run(ip4(CLIENT, SERVER).tcp(WEB));
  const answer = ip4(SERVER, CLIENT).tcp({ ...WEB_REPLY, flags: ["ACK"] });
  emulator.replacePolicy({ number: 2, revision: 23, mapState: { entries: [] } });
  assertEquals(run(answer, FROM_SERVER).verdict, PACKET_REDIRECT);
  run(ip4(CLIENT, SERVER).tcp({ ...WEB, flags: ["ACK"] }));
  assertEquals(run(answer, FROM_SERVER).verdict, PACKET_SHOT);
});
