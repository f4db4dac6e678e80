/** Drops packets to some TCP and UDP ports, with TCX: `deno run -A firewall.ts eth0 23 2323` */
import { attachTcx, head, loadCollection, parseObject } from "ebpf-ts-loader";
import { findLink, openRtnetlink } from "ebpf-ts-loader/netlink";

const [name = "lo", ...ports] = Deno.args;
using netlink = openRtnetlink();
const link = findLink(netlink, name);
if (!link) throw new TypeError(`Cannot find "${name}": no interface, expected one of "ip link"`);

const file = "firewall.bpf.o";
const bytes = await Deno.readFile(new URL(file, import.meta.url));
using collection = loadCollection(parseObject(bytes, file));
const blocked = collection.map("blocked");

function portKey(text: string): Uint8Array {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65536) return Uint8Array.of(port >> 8, port);
  throw new RangeError(`Cannot block "${text}": no port, expected 1 to 65535`);
}
for (const port of ports) blocked.update(portKey(port), new Uint8Array(8));

// Rules first, then the program, before all others: no packet meets half a firewall.
const where = { ifindex: link.ifindex, direction: "ingress", position: head() } as const;
using _attached = attachTcx(collection.program("firewall"), where);
console.log(`blocking ${ports.join(", ") || "nothing"} on ${name}`);

for (;;) {
  await new Promise((resolve) => setTimeout(resolve, 1000));
  for (const [key, value] of blocked.entries()) {
    const port = new DataView(key.buffer).getUint16(0);
    console.log(`port ${port}: ${new DataView(value.buffer).getBigUint64(0, true)} dropped`);
  }
}
