import { assertEquals } from "@std/assert";
import { parseIpPrefix } from "../../src/cluster/ip_prefix.ts";
import type { CiliumCidrGroup } from "../../src/cluster/object.ts";
import { GROUP_NAME_PREFIX, GroupLabels } from "../../src/identity/group_labels.ts";
import { formatLabel } from "../../src/identity/label.ts";

function group(
  name: string,
  cidrs: readonly string[],
  labels: Readonly<Record<string, string>>,
): CiliumCidrGroup {
  return {
    kind: "CiliumCIDRGroup",
    name,
    labels: new Map(Object.entries(labels)),
    cidrs: cidrs.map(parseIpPrefix),
    location: { file: "", line: 0, column: 0 },
  };
}

function fixture() {
  const changed: string[] = [];
  const groups = new GroupLabels(({ text }) => changed.push(text));
  const at = (prefix: string) => groups.labelsAt(parseIpPrefix(prefix)).map(formatLabel);
  const take = () => changed.splice(0);
  return { groups, at, take };
}

const named = (name: string) => `cidrgroup:${GROUP_NAME_PREFIX}${name}`;

Deno.test("GroupLabels gives nothing labels while nobody asks", () => {
  const { groups, at, take } = fixture();
  groups.set("a", group("a", ["10.0.0.0/8"], { kind: "x" }));
  assertEquals([at("10.0.0.1/32"), take()], [[], []]);
  groups.useLabels();
  groups.useLabels();
  assertEquals([at("10.0.0.1/32"), take()], [[named("a"), "cidrgroup:kind=x"], ["10.0.0.0/8"]]);
  groups.dropLabels();
  assertEquals(at("10.0.0.1/32").length, 2);
  groups.dropLabels();
  assertEquals([at("10.0.0.1/32"), take()], [[], ["10.0.0.0/8"]]);
});

Deno.test("GroupLabels takes the longest block's label, then the first group's by name", () => {
  const { groups, at } = fixture();
  groups.useLabels();
  groups.set("b", group("b", ["10.1.0.0/16"], { kind: "b", only: "b" }));
  groups.set("a", group("a", ["10.1.0.0/16"], { kind: "a" }));
  groups.set("wide", group("wide", ["10.0.0.0/8"], { kind: "wide", far: "1" }));
  assertEquals(at("10.1.0.1/32"), [
    "cidrgroup:far=1",
    named("a"),
    named("b"),
    named("wide"),
    "cidrgroup:kind=a",
    "cidrgroup:only=b",
  ]);
});

Deno.test("GroupLabels tells of the blocks that a group had and has", () => {
  const { groups, at, take } = fixture();
  groups.useLabels();
  groups.set("a", group("a", ["10.0.0.0/8"], {}));
  take();
  groups.set("a", group("a", ["20.0.0.0/8"], {}));
  assertEquals([take(), at("10.0.0.1/32")], [["10.0.0.0/8", "20.0.0.0/8"], []]);
  groups.set("a", undefined);
  assertEquals([take(), at("20.0.0.1/32")], [["20.0.0.0/8"], []]);
});

Deno.test("GroupLabels leaves the whole of a family alone", () => {
  const { groups, at, take } = fixture();
  groups.useLabels();
  groups.set("a", group("a", ["0.0.0.0/0", "::/0"], { kind: "x" }));
  assertEquals([at("10.0.0.1/32"), take()], [[], []]);
});
