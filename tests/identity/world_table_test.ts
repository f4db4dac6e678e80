import { assertEquals } from "@std/assert";
import { parseIpAddress } from "../../src/cluster/ip_address.ts";
import { parseIpPrefix } from "../../src/cluster/ip_prefix.ts";
import { fqdnName, fqdnPattern } from "../../src/identity/fqdn_pattern.ts";
import type { Identity } from "../../src/identity/identity.ts";
import { Ipcache } from "../../src/identity/ipcache.ts";
import { formatLabel } from "../../src/identity/label.ts";
import { WorldTable } from "../../src/identity/world_table.ts";

const CIDR = 1 << 24;

class Fixture {
  readonly ipcache = new Ipcache();
  readonly table = new WorldTable(this.ipcache);
  readonly #identities = new Map<number, Identity>();

  /** Lines of the IP cache with the labels behind them, by address. */
  lines(): string[] {
    const { added, deleted } = this.table.reconcile();
    for (const id of deleted) this.#identities.delete(id);
    for (const identity of added) this.#identities.set(identity.id, identity);
    return [...this.ipcache.entries()].map(({ address, prefixLength, identity }) => {
      const labels = this.#identities.get(identity)?.labels.map(formatLabel).join(" ");
      return `${address.text}/${prefixLength ?? ""} ${labels}`;
    }).sort();
  }

  ids(): number[] {
    return [...this.#identities.keys()];
  }
}

Deno.test("WorldTable gives every block that rules name an identity of its own", () => {
  const fixture = new Fixture();
  for (const block of ["10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32"]) {
    fixture.table.useBlock(parseIpPrefix(block));
  }
  assertEquals(fixture.lines(), [
    "10.0.0.0/8 cidr:10.0.0.0/8 reserved:world-ipv4",
    "10.1.0.0/16 cidr:10.1.0.0/16 reserved:world-ipv4",
    "2001:db8::/32 cidr:2001:db8::/32 reserved:world-ipv6",
  ]);
  assertEquals(fixture.ids(), [CIDR + 1, CIDR + 2, CIDR + 3]);
  fixture.table.dropBlock(parseIpPrefix("10.0.0.0/8"));
  assertEquals(fixture.lines().length, 2);
});

Deno.test("WorldTable leaves 0.0.0.0/0 to the world", () => {
  const fixture = new Fixture();
  fixture.table.useBlock(parseIpPrefix("0.0.0.0/0"));
  fixture.table.useBlock(parseIpPrefix("::/0"));
  assertEquals(fixture.lines(), []);
});

Deno.test("WorldTable has one identity per set of patterns, and the block around it", () => {
  const fixture = new Fixture();
  fixture.table.usePattern(fqdnPattern("*.example.com"));
  fixture.table.setName("api.example.com.", [
    parseIpAddress("20.0.0.1"),
    parseIpAddress("20.0.0.2"),
  ]);
  fixture.table.setName("other.org", [parseIpAddress("20.0.0.2")]);
  assertEquals(fixture.lines(), [
    "20.0.0.1/ fqdn:*.example.com reserved:world-ipv4",
    "20.0.0.2/ fqdn:*.example.com reserved:world-ipv4",
  ]);
  assertEquals(fixture.ids().length, 1);
  fixture.table.usePattern(fqdnName("other.org"));
  fixture.table.useBlock(parseIpPrefix("20.0.0.0/24"));
  assertEquals(fixture.lines(), [
    "20.0.0.0/24 cidr:20.0.0.0/24 reserved:world-ipv4",
    "20.0.0.1/ cidr:20.0.0.0/24 fqdn:*.example.com reserved:world-ipv4",
    "20.0.0.2/ cidr:20.0.0.0/24 fqdn:*.example.com fqdn:other.org reserved:world-ipv4",
  ]);
  fixture.table.setName("api.example.com", []);
  fixture.table.dropBlock(parseIpPrefix("20.0.0.0/24"));
  assertEquals(fixture.lines(), ["20.0.0.2/ fqdn:other.org reserved:world-ipv4"]);
  fixture.table.dropPattern(fqdnName("other.org"));
  assertEquals([fixture.lines(), fixture.ids()], [[], []]);
});

Deno.test("WorldTable takes an API server outside for the world and for kube-apiserver", () => {
  const fixture = new Fixture();
  fixture.table.setApiServers([parseIpAddress("30.0.0.1")]);
  assertEquals(fixture.lines(), ["30.0.0.1/ reserved:kube-apiserver reserved:world-ipv4"]);
  fixture.table.setApiServers([]);
  assertEquals(fixture.lines(), []);
});
