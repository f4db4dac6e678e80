import { NotSupportedError, queryTcx, VerifierError } from "ebpf-ts-loader";
import { NetlinkError } from "ebpf-ts-loader/netlink";
import { SyscallError } from "ebpf-ts-loader/sys";

// EACCES is not among them: it is what the verifier says to a program that it refuses.
const NO_PRIVILEGE: readonly string[] = ["EPERM", "ENOSYS"];
const LOOPBACK = 1;

/**
 * Tells whether an error means that this kernel or this process cannot run the demo at all, and
 * why; `undefined` for an error that is one. To be asked once something has failed.
 */
export function missingFeature(error: unknown): string | undefined {
  if (Deno.build.os !== "linux") return `no BPF on "${Deno.build.os}", expected Linux`;
  if (error instanceof NotSupportedError) return error.message;
  if (error instanceof Deno.errors.NotCapable) return error.message;
  const refused = error instanceof SyscallError || error instanceof NetlinkError ||
    error instanceof VerifierError;
  if (!refused) return undefined;
  if (!(error instanceof VerifierError) && NO_PRIVILEGE.includes(error.code)) return error.message;
  return lacksTcx() ? "TCX not supported, expected Linux 6.6 or newer" : undefined;
}

/** A kernel that is too old for TCX may refuse the programs for what else it lacks, before that. */
function lacksTcx(): boolean {
  try {
    queryTcx(LOOPBACK, "ingress");
    return false;
  } catch (error) {
    return error instanceof SyscallError && error.code === "EINVAL";
  }
}
