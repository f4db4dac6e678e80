import { assertEquals } from "@std/assert";
import { parseIpAddress } from "../../src/cluster/ip_address.ts";
import { Ipcache, type IpcacheEntry } from "../../src/identity/ipcache.ts";

const address = parseIpAddress("10.0.0.1");

Deno.test("Ipcache lets the first claim hold, and the next one after it", () => {
  const ipcache = new Ipcache();
  const a: IpcacheEntry = { address, identity: 256, owner: "default/a", source: "pod" };
  const b: IpcacheEntry = { address, identity: 257, owner: "default/b", source: "pod" };
  ipcache.upsert(a);
  ipcache.upsert(b);
  assertEquals([...ipcache.entries()], [a]);
  assertEquals([...ipcache.conflicts()], [{ entry: b, holder: a }]);
  ipcache.delete(address, "default/a");
  assertEquals([ipcache.get(address), ...ipcache.conflicts()], [b]);
  ipcache.delete(address, "default/b");
  assertEquals([...ipcache.entries()], []);
});

Deno.test("Ipcache changes an identity in place", () => {
  const ipcache = new Ipcache();
  ipcache.upsert({ address, identity: 256, owner: "default/a", source: "pod" });
  ipcache.upsert({ address, identity: 300, owner: "default/a", source: "pod" });
  assertEquals([...ipcache.entries()].map(({ identity }) => identity), [300]);
});
