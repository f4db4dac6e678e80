import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  AttachType,
  kernelTypes,
  MapType,
  NotSupportedError,
  parseObject,
  ProgramFlags,
  ProgramType,
  type SectionKind,
  sectionKind,
} from "ebpf-ts-loader";
import { fixture, fixtureBytes } from "../fixtures.ts";
import { kernelTest } from "../kernel.ts";
import { libbpfKinds, libbpfMissing } from "../libbpf/compare.ts";

/** Sections that libbpf 1.1 (Debian 12) does not know yet. */
const LATER =
  /^(tcx|tc|netkit|netfilter|uprobe\.(multi|session)|uretprobe\.multi|kprobe\.session|usdt\.s|sk_skb\/verdict)/;
const UNIX = /^cgroup\/\w+_unix$/;

kernelTest("sectionKind() says of every section what libbpf says", () => {
  const path = new URL("../fixtures/sections.bpf.o", import.meta.url).pathname;
  const theirs = [...libbpfKinds(path)].filter(([name]) =>
    (!LATER.test(name) || name === "tc") && !UNIX.test(name)
  );
  assert(theirs.length > 70);
  for (const [section, [type, attach]] of theirs) {
    const kind = sectionKind(section);
    assertEquals([section, kind?.type, kind?.expectedAttachType], [section, type, attach]);
  }
}, { unless: libbpfMissing });

Deno.test("parseObject() knows the section of every program in sections.bpf.o", () => {
  assertEquals(fixture("sections.bpf.o").programs.size, 101);
});

const KINDS: { section: string; kind: Partial<SectionKind> }[] = [
  { section: "xdp.frags/devmap", kind: { flags: ProgramFlags.XDP_HAS_FRAGS } },
  { section: "tcx/egress", kind: { expectedAttachType: AttachType.TCX_EGRESS } },
  { section: "tc/anything", kind: { type: ProgramType.SCHED_CLS, expectedAttachType: 0 } },
  { section: "netkit/peer", kind: { expectedAttachType: AttachType.NETKIT_PEER } },
  { section: "netfilter", kind: { type: ProgramType.NETFILTER } },
  { section: "syscall", kind: { flags: ProgramFlags.SLEEPABLE } },
  {
    section: "fentry.s/tcp_connect",
    kind: { flags: ProgramFlags.SLEEPABLE, attachTo: "tcp_connect" },
  },
  {
    section: "tp_btf/sched_switch",
    kind: { attachTo: "sched_switch", attachBtf: { prefix: "btf_trace_", kind: "typedef" } },
  },
  {
    section: "tracepoint/syscalls/sys_enter_openat",
    kind: { attachTo: "syscalls/sys_enter_openat", attachBtf: undefined },
  },
  { section: "uprobe//bin/sh:main", kind: { attachTo: "/bin/sh:main" } },
  { section: "kprobe", kind: { type: ProgramType.KPROBE, attachTo: undefined } },
];

for (const { section, kind } of KINDS) {
  Deno.test(`sectionKind() knows ${section}`, () => {
    const found = sectionKind(section);
    assertEquals({ ...found, ...kind }, { ...found });
  });
}

Deno.test("sectionKind() does not know what only starts like a section", () => {
  for (const section of ["kprobes", "tcx", "cgroup/nothing", "xdpx", "", "/", "sockops/more"]) {
    assertEquals(sectionKind(section), undefined, section);
  }
});

Deno.test("parseObject() names struct_ops as not supported", () => {
  const bytes = fixtureBytes("sections.bpf.o");
  const text = new TextDecoder("latin1").decode(bytes);
  bytes.set(new TextEncoder().encode("struct_ops\0"), text.lastIndexOf("cgroup/recvmsg_unix\0"));
  assertThrows(
    () => parseObject(bytes, "x.o"),
    NotSupportedError,
    'Cannot read "x.o": struct_ops (section "struct_ops") not supported',
  );
});

/** Enumerators of the kernel under the names of a table of ours. */
function kernelEnum(name: string, prefix: string): Map<string, number> {
  const values = kernelTypes().find("enum", name)?.values ?? [];
  return new Map(values.map((each) => [each.name.replace(prefix, ""), each.value]));
}

for (
  const [table, name, prefix] of [
    [ProgramType, "bpf_prog_type", "BPF_PROG_TYPE_"],
    [AttachType, "bpf_attach_type", "BPF_"],
    [MapType, "bpf_map_type", "BPF_MAP_TYPE_"],
  ] as const
) {
  kernelTest(`the numbers of ${name} are the kernel's`, () => {
    const theirs = kernelEnum(name, prefix);
    for (const [key, value] of Object.entries(table)) {
      // Newer than this kernel, or the kernel's own.
      if (theirs.has(key)) assertEquals([key, value], [key, theirs.get(key)]);
    }
  });
}
