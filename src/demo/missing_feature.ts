import { NotSupportedError } from "ebpf-ts-loader";
import { NetlinkError } from "ebpf-ts-loader/netlink";
import { SyscallError } from "ebpf-ts-loader/sys";

// EACCES is not among them: it is what the verifier says to a program that it refuses.
const NO_PRIVILEGE: readonly string[] = ["EPERM", "ENOSYS"];

/**
 * Tells whether an error means that this kernel or this process cannot run the demo at all, and
 * why; `undefined` for an error that is one.
 */
export function missingFeature(error: unknown): string | undefined {
  if (Deno.build.os !== "linux") return `${Deno.build.os} has no BPF, expected Linux`;
  if (error instanceof NotSupportedError) return error.message;
  if (error instanceof Deno.errors.NotCapable) return error.message;
  const refused = error instanceof SyscallError || error instanceof NetlinkError;
  return refused && NO_PRIVILEGE.includes(error.code) ? error.message : undefined;
}
