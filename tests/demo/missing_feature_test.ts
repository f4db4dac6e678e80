import { assertEquals } from "@std/assert";
import { NotSupportedError, VerifierError } from "ebpf-ts-loader";
import { NetlinkError } from "ebpf-ts-loader/netlink";
import { SyscallError } from "ebpf-ts-loader/sys";
import { missingFeature } from "../../src/demo/missing_feature.ts";
import { tcxTest } from "./tcx_test_case.ts";

Deno.test("missingFeature() recognises a missing privilege and an old kernel", () => {
  const errors = [
    new SyscallError("unshare", 1),
    new SyscallError("bpf", 38),
    new NetlinkError("create veth", "lxc1", 1),
    new NotSupportedError("attach", "from_container", "TCX", "6.6"),
  ];
  assertEquals(errors.map(missingFeature), errors.map(({ message }) => message));
});

tcxTest("missingFeature() does not take failures for missing features", () => {
  const errors = [
    new VerifierError("from_container", "EACCES", "R0 !read_ok"),
    new SyscallError("BPF_LINK_CREATE", 22),
    new NetlinkError("create veth", "lxc1", 17),
    new Error("EPERM"),
    undefined,
  ];
  assertEquals(errors.map(missingFeature), errors.map(() => undefined));
  return Promise.resolve();
});
