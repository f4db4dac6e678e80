/** Counts the packets that reach an interface, with XDP: `deno run -A count_packets.ts eth0` */
import { attachXdp, loadCollection, parseObject } from "ebpf-ts-loader";
import { findLink, openRtnetlink } from "ebpf-ts-loader/netlink";

const [name = "lo"] = Deno.args;
using netlink = openRtnetlink();
const link = findLink(netlink, name);
if (!link) throw new TypeError(`Cannot find "${name}": no interface, expected one of "ip link"`);

const file = "count_packets.bpf.o";
const bytes = await Deno.readFile(new URL(file, import.meta.url));
using collection = loadCollection(parseObject(bytes, file));
// Until the end of the process, however it ends: the kernel closes the link.
using _attached = attachXdp(collection.program("count_packets"), { ifindex: link.ifindex });

const packets = collection.map("packets");
const PROTOCOLS = { ICMP: 1, TCP: 6, UDP: 17, "not IPv4": 0 };

function count(protocol: number): bigint {
  const perCpu = packets.lookupPerCpu(protocol) ?? [];
  const values = perCpu.map((value) => new DataView(value.buffer, value.byteOffset));
  return values.reduce((total, value) => total + value.getBigUint64(0, true), 0n);
}

for (;;) {
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const counts = Object.entries(PROTOCOLS).map(([text, number]) => `${text} ${count(number)}`);
  console.log(counts.join(", "));
}
