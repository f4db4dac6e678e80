import { NotSupportedError } from "../errors.ts";
import type { BpfProgram } from "../object/bpf_program.ts";
import { attachClsact, type ClsactFilter } from "./clsact_filter.ts";
import { attachTcx, type TcxLink, type TcxOptions } from "./tcx_link.ts";

/** Options of {@linkcode attachTc}. */
export interface TcOptions extends Omit<TcxOptions, "expectedRevision"> {
  /**
   * `auto` takes TCX, and clsact on a kernel that refuses it for being too old.
   * @default "auto"
   */
  readonly use?: "auto" | "tcx" | "clsact";
}

/** A program attached by TCX or by clsact: `kind` tells. */
export type TcAttachment = TcxLink | ClsactFilter;

/**
 * Attaches a tc program to an interface by the best means the kernel has: a TCX link (Linux 6.6),
 * else a filter of a clsact qdisc (Linux 4.5). The result's `kind` tells which; a filter outlives
 * a process that ends without disposing, a link does not. Where both are in use on an interface,
 * TCX programs run first.
 *
 * @example Usage
 * ```ts
 * import { attachTc, type BpfProgram } from "ebpf-ts-loader";
 * async function during(program: BpfProgram, ifindex: number, task: () => Promise<void>) {
 *   using attachment = attachTc(program, { ifindex, direction: "ingress" });
 *   console.log(`attached by ${attachment.kind}`);
 *   await task();
 * }
 * ```
 */
export function attachTc(
  program: Pick<BpfProgram, "fd" | "name">,
  options: TcOptions,
): TcAttachment {
  const { use = "auto", ...place } = options;
  if (use === "clsact") return attachClsact(program, place);
  try {
    return attachTcx(program, place);
  } catch (error) {
    if (use === "tcx" || !(error instanceof NotSupportedError)) throw error;
    return attachClsact(program, place);
  }
}
