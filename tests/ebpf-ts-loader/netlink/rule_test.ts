import { assertEquals, assertThrows } from "@std/assert";
import {
  addRule,
  deleteRule,
  listRules,
  NetlinkError,
  openRtnetlink,
  type Rule,
} from "ebpf-ts-loader/netlink";
import { createNetns } from "ebpf-ts-loader/sys";
import { parseRule } from "../../../src/ebpf-ts-loader/netlink/rule.ts";
import { withoutLeaks } from "../fd_leaks.ts";
import { netnsTest } from "../netns_test_case.ts";

const RULES: Rule[] = [
  { family: 4, priority: 9, table: 2004, mark: 0x200, mask: 0xf00 },
  { family: 4, priority: 0xffff_fff0, table: 70_000, mark: 0, mask: 0xffff_ffff },
  {
    family: 4,
    priority: 11,
    table: 100,
    source: { address: Uint8Array.of(10, 0, 0, 0), prefixLength: 8 },
    destination: { address: Uint8Array.of(192, 168, 1, 0), prefixLength: 24 },
    inputInterface: "eth7",
  },
  { family: 6, priority: 9, table: 2004, mark: 0x200, mask: 0xf00 },
  {
    family: 6,
    priority: 12,
    table: 100,
    source: { address: new Uint8Array(16).fill(0xfd, 0, 1), prefixLength: 8 },
  },
];

netnsTest("addRule() adds what listRules() lists and deleteRule() deletes", async () => {
  await withoutLeaks(() => {
    using netns = createNetns();
    using netlink = openRtnetlink(netns);
    const before = listRules(netlink);
    assertEquals(before, [
      { family: 4, priority: 0, table: 255 },
      { family: 4, priority: 32766, table: 254 },
      { family: 4, priority: 32767, table: 253 },
      { family: 6, priority: 0, table: 255 },
      { family: 6, priority: 32766, table: 254 },
    ]);
    for (const rule of RULES) addRule(netlink, rule);
    const added = listRules(netlink).filter(({ priority }) =>
      RULES.some((rule) => rule.priority === priority)
    );
    const byPlace = (a: Rule, b: Rule) => a.family - b.family || a.priority - b.priority;
    assertEquals(added.sort(byPlace), [...RULES].sort(byPlace));
    for (const rule of RULES) deleteRule(netlink, rule);
    assertEquals(listRules(netlink), before);
  });
});

netnsTest("addRule() and deleteRule() tell what is there and what is not", () => {
  using netns = createNetns();
  using netlink = openRtnetlink(netns);
  const rule: Rule = { family: 4, priority: 9, table: 2004, mark: 1 };
  addRule(netlink, rule);
  assertEquals(
    assertThrows(() => addRule(netlink, rule), NetlinkError, "IPv4 priority 9 to table 2004").code,
    "EEXIST",
  );
  deleteRule(netlink, rule);
  assertEquals(assertThrows(() => deleteRule(netlink, rule), NetlinkError).code, "ENOENT");
});

Deno.test("addRule() refuses bad arguments before the kernel sees them", () => {
  using netlink = openRtnetlink();
  const rule: Rule = { family: 4, priority: 9, table: 2004 };
  const address = new Uint8Array(16);
  assertThrows(() => addRule(netlink, { ...rule, priority: -1 }), RangeError, "priority");
  assertThrows(() => addRule(netlink, { ...rule, table: 2 ** 32 }), RangeError, "table");
  assertThrows(() => addRule(netlink, { ...rule, mark: 1.5 }), RangeError, "mark");
  assertThrows(() => addRule(netlink, { ...rule, mask: 1 }), TypeError, "no mark");
  assertThrows(
    () => addRule(netlink, { ...rule, source: { address, prefixLength: 8 } }),
    TypeError,
    "16 bytes, expected 4",
  );
  assertThrows(
    () => addRule(netlink, { ...rule, source: { address, prefixLength: 129 } }),
    RangeError,
    "prefix length",
  );
  assertThrows(() => addRule(netlink, { ...rule, inputInterface: "a/b" }), TypeError, "interface");
});

Deno.test("parseRule() leaves out what it cannot tell", () => {
  const AF_INET = 2, TO_TABLE = 1, BLACKHOLE = 6, INVERT = 2;
  const header = (action: number, flags = 0, tos = 0) =>
    Uint8Array.of(AF_INET, 0, 0, tos, 254, 0, 0, action, flags, 0, 0, 0);
  const SUPPRESS_PREFIXLEN = [8, 0, 14, 0, 0, 0, 0, 0];
  const PORT_RANGE = [8, 0, 23, 0, 80, 0, 80, 0];
  assertEquals(parseRule(header(TO_TABLE)), { family: 4, priority: 0, table: 254 });
  assertEquals(parseRule(header(BLACKHOLE)), undefined);
  assertEquals(parseRule(header(TO_TABLE, INVERT)), undefined);
  assertEquals(parseRule(header(TO_TABLE, 0, 4)), undefined);
  assertEquals(parseRule(Uint8Array.of(...header(TO_TABLE), ...SUPPRESS_PREFIXLEN)), undefined);
  assertEquals(parseRule(Uint8Array.of(...header(TO_TABLE), ...PORT_RANGE)), undefined);
});
