/** Prints who connects where, from a ring buffer: `deno run -A watch_connections.ts eth0` */
import { attachTc, loadCollection, parseObject, RingBuffer } from "ebpf-ts-loader";
import { findLink, openRtnetlink } from "ebpf-ts-loader/netlink";

const [name = "lo"] = Deno.args;
using netlink = openRtnetlink();
const link = findLink(netlink, name);
if (!link) throw new TypeError(`Cannot find "${name}": no interface, expected one of "ip link"`);

const file = "watch_connections.bpf.o";
const bytes = await Deno.readFile(new URL(file, import.meta.url));
using collection = loadCollection(parseObject(bytes, file));
// By TCX, or by clsact on kernels before 6.6.
using attached = attachTc(collection.program("watch_connections"), {
  ifindex: link.ifindex,
  direction: "ingress",
});
console.error(`watching ${name} by ${attached.kind}`);

using ring = new RingBuffer(collection.map("connections"));
const stop = new AbortController();
Deno.addSignalListener("SIGINT", () => stop.abort());

for await (const record of ring.records({ signal: stop.signal })) {
  // struct connection: source, destination, port, all in network byte order
  const port = new DataView(record.buffer).getUint16(8);
  const [source, destination] = [record.subarray(0, 4), record.subarray(4, 8)];
  console.log(`${source.join(".")} → ${destination.join(".")}:${port}`);
}
Deno.exit(0);
