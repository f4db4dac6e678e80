import { assert, assertEquals } from "@std/assert";
import { KernelFeatures, MapType, mapTypeName, ProgramType, type Support } from "ebpf-ts-loader";
import { BPF, bpf, ERRNO } from "ebpf-ts-loader/sys";
import { mapTypeSince } from "../../../src/ebpf-ts-loader/features/minimum_kernels.ts";
import { kernelTest } from "../kernel.ts";

/** The running kernel's release as one number: 6.18 is 618. */
function release(): number {
  const [major = "0", minor = "0"] = Deno.osRelease().split(".");
  return Number(major) * 100 + Number(minor);
}

/** What a kernel of the running release should answer; one may have been built without it. */
function expected(since: string): Support | undefined {
  const [major = "0", minor = "0"] = since.split(".");
  return release() < Number(major) * 100 + Number(minor) ? "no" : undefined;
}

kernelTest("KernelFeatures.mapType() never finds a type that the release does not have", () => {
  const features = new KernelFeatures();
  for (const type of Object.values(MapType)) {
    const answer = features.mapType(type);
    const since = mapTypeSince(type);
    assert(since !== undefined && answer !== "unknown", mapTypeName(type));
    assertEquals(expected(since) ?? answer, answer, mapTypeName(type));
  }
  assertEquals(features.mapType(9999), "no");
});

kernelTest("KernelFeatures finds what every kernel with TCX has", () => {
  const features = new KernelFeatures();
  assertEquals(
    [
      features.mapType(MapType.HASH),
      features.mapType(MapType.RINGBUF),
      features.mapType(MapType.HASH_OF_MAPS),
      features.mapType(MapType.TASK_STORAGE),
      features.programType(ProgramType.SCHED_CLS),
      features.programType(ProgramType.SYSCALL),
      features.programType(ProgramType.SK_LOOKUP),
      features.link("xdp"),
      features.link("cgroup"),
      features.link("netns"),
      features.batch(),
      features.kernelCore(),
      features.boundedLoops(),
      features.largePrograms(),
      ...(["func", "global func", "datasec", "float", "decl tag", "type tag", "enum64"] as const)
        .map((kind) => features.btf(kind)),
    ],
    Array.from({ length: 21 }, () => "yes"),
  );
}, { unless: release() < 606 ? "Linux older than 6.6" : undefined });

kernelTest("KernelFeatures.tcx() agrees with the release", () => {
  assertEquals(new KernelFeatures().tcx(), release() < 606 ? "no" : "yes");
});

kernelTest("KernelFeatures.programType() cannot tell about types that need a target", () => {
  const features = new KernelFeatures();
  const TRACING = 26;
  assertEquals(features.programType(TRACING), "unknown");
  assertEquals(features.programType(9999), "no");
});

kernelTest("KernelFeatures.helper() tells helpers apart by program type", () => {
  const features = new KernelFeatures();
  const MAP_LOOKUP = 1, SKB_STORE_BYTES = 9, XDP_ADJUST_HEAD = 44, NONE = 100_000;
  const { SCHED_CLS, XDP } = ProgramType;
  assertEquals(
    [
      features.helper(SCHED_CLS, MAP_LOOKUP),
      features.helper(SCHED_CLS, SKB_STORE_BYTES),
      features.helper(XDP, SKB_STORE_BYTES),
      features.helper(XDP, XDP_ADJUST_HEAD),
      features.helper(SCHED_CLS, XDP_ADJUST_HEAD),
      features.helper(SCHED_CLS, NONE),
      features.helper(9999, MAP_LOOKUP),
    ],
    ["yes", "yes", "no", "yes", "no", "no", "no"],
  );
});

kernelTest("KernelFeatures keeps conclusive answers", () => {
  let calls = 0;
  const features = new KernelFeatures({
    bpf: (...args) => {
      calls++;
      return bpf(...args);
    },
  });
  assertEquals([features.mapType(MapType.QUEUE), features.mapType(MapType.QUEUE)], ["yes", "yes"]);
  assertEquals(calls, 1);
});

Deno.test("KernelFeatures cannot tell without privilege, and asks again", () => {
  let errno = ERRNO.EPERM as number;
  const features = new KernelFeatures({ bpf: () => -errno });
  const answers = () => [
    features.mapType(MapType.ARRAY_OF_MAPS),
    features.mapType(MapType.SK_STORAGE),
    features.programType(ProgramType.XDP),
    features.helper(ProgramType.XDP, 1),
    features.tcx(),
    features.link("xdp"),
    features.batch(),
    features.btf("enum64"),
    features.kernelCore(),
    features.boundedLoops(),
    features.largePrograms(),
  ];
  assertEquals(new Set(answers()), new Set<Support>(["unknown"]));
  errno = ERRNO.EINVAL;
  assertEquals(new Set(answers()), new Set<Support>(["no"]));
  errno = ERRNO.EPERM;
  assertEquals(new Set(answers()), new Set<Support>(["no"]), "what is known stays known");
});

Deno.test("KernelFeatures.pretend() holds until disposal", () => {
  const features = new KernelFeatures({ bpf: (command) => command === BPF.PROG_QUERY ? 0 : -22 });
  {
    using _old = features.pretend("TCX", "no");
    assertEquals(features.tcx(), "no");
  }
  assertEquals(features.tcx(), "yes");
  {
    using _old = features.pretend("TCX", "no");
    assertEquals(features.tcx(), "no");
  }
  assertEquals(features.tcx(), "yes");
});

Deno.test("every map type has a first release", () => {
  const unknown = Object.values(MapType).filter((type) => mapTypeSince(type) === undefined);
  assertEquals(unknown, []);
});
