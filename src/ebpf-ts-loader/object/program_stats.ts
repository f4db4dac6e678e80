import { ATTR, BPF, BpfAttr, ERRNO, Fd } from "../sys/mod.ts";
import { NotSupportedError } from "../errors.ts";

const BPF_STATS_RUN_TIME = 0;

/**
 * Makes the kernel count runs and their time, for all programs, until the handle is disposed:
 * `program.info().runCount` and `.runTime`. Costs some 20 ns a run. Needs CAP_SYS_ADMIN.
 * Requires Linux 5.8, else {@linkcode NotSupportedError}.
 *
 * @example Usage
 * ```ts
 * import { type BpfProgram, enableStats } from "ebpf-ts-loader";
 * async function meanTime(program: BpfProgram, task: () => Promise<void>): Promise<number> {
 *   const before = program.info();
 *   {
 *     using _stats = enableStats();
 *     await task();
 *   }
 *   const after = program.info();
 *   return Number(after.runTime - before.runTime) / Number(after.runCount - before.runCount);
 * }
 * ```
 */
export function enableStats(): Disposable {
  const attr = new BpfAttr(BPF.ENABLE_STATS, ATTR.ENABLE_STATS.size)
    .u32(ATTR.ENABLE_STATS.type, BPF_STATS_RUN_TIME);
  const result = attr.call();
  if (result >= 0) return new Fd(result);
  const cause = attr.creationError(result, { action: "enable", subject: "run-time statistics" });
  if (result !== -ERRNO.EINVAL) throw cause;
  throw new NotSupportedError("enable", "run-time statistics", "BPF_ENABLE_STATS", "5.8", {
    cause,
  });
}
