import { Btf } from "../btf/btf.ts";
import { readKernelFile } from "./_kernel_files.ts";

const VMLINUX = "/sys/kernel/btf/vmlinux";

let cached: Btf | undefined;

/**
 * The types of the running kernel, parsed once per process (0.2 s, 130,000 types). Types of kernel
 * modules are not among them. Requires a kernel built with CONFIG_DEBUG_INFO_BTF; throws
 * `SyscallError` (ENOENT) without.
 *
 * @example Usage
 * ```ts
 * import { kernelTypes } from "ebpf-ts-loader";
 * function offsetOf(struct: string, member: string): number | undefined {
 *   const { members } = kernelTypes().structLayout(struct);
 *   return members.find((each) => each.name === member)?.offset;
 * }
 * ```
 */
export function kernelTypes(): Btf {
  return cached ??= new Btf(readKernelFile(VMLINUX), VMLINUX);
}
