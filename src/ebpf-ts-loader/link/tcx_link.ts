import { kernelFeatures } from "../features/kernel_features.ts";
import type { BpfProgram } from "../object/bpf_program.ts";
import { openPinnedObject } from "../object/pin.ts";
import { AttachType } from "../spec/program_types.ts";
import { createLink, requireIfindex } from "./_create_link.ts";
import { type AttachedPrograms, queryPrograms } from "./_query_programs.ts";
import { BpfLink } from "./bpf_link.ts";
import type { LinkPosition } from "./position.ts";

/** Direction seen from the interface: a container's packets are *ingress* of its host-side veth. */
export type TcxDirection = "ingress" | "egress";

/** Options of {@linkcode attachTcx}. */
export interface TcxOptions {
  /** Interface index, in the network namespace of the calling thread. */
  readonly ifindex: number;
  /** Which packets the program meets. */
  readonly direction: TcxDirection;
  /** Place among the interface's programs. @default tail() */
  readonly position?: LinkPosition;
  /** Refuse (ESTALE) unless {@linkcode queryTcx} would give this revision. @default any */
  readonly expectedRevision?: bigint;
}

const FEATURE = { name: "TCX", minimumKernel: "6.6", probe: () => kernelFeatures.tcx() };

function attachType(direction: TcxDirection): number {
  return direction === "ingress" ? AttachType.TCX_INGRESS : AttachType.TCX_EGRESS;
}

/**
 * Attaches a tc program to an interface by TCX. The program runs until the link is disposed (or
 * the process ends), unless it is pinned. The caller owns the link. Requires Linux 6.6, else
 * {@linkcode NotSupportedError}; ENODEV if the interface does not exist. A program can be attached
 * once for each interface and direction (EEXIST).
 *
 * @example Usage
 * ```ts
 * import { attachTcx, type BpfProgram } from "ebpf-ts-loader";
 * async function during(program: BpfProgram, ifindex: number, task: () => Promise<void>) {
 *   using _link = attachTcx(program, { ifindex, direction: "ingress" });
 *   await task();
 * }
 * ```
 */
export function attachTcx(
  program: Pick<BpfProgram, "fd" | "name">,
  options: TcxOptions,
): TcxLink {
  const { ifindex, direction, position, expectedRevision } = options;
  requireIfindex(ifindex);
  const request = {
    program,
    target: ifindex,
    attachType: attachType(direction),
    position,
    expectedRevision,
    place: `interface ${ifindex} ${direction}`,
  };
  return new TcxLink(createLink(request, FEATURE));
}

/**
 * An attached TCX program; owns the link's fd.
 *
 * @example Usage
 * ```ts
 * import { type BpfProgram, type TcxLink } from "ebpf-ts-loader";
 * function swap(link: TcxLink, next: BpfProgram): number {
 *   link.update(next);
 *   return link.info().programId;
 * }
 * ```
 */
export class TcxLink extends BpfLink {
  /** Tells it from a {@linkcode ClsactFilter}. */
  readonly kind = "tcx";
}

/**
 * Opens a pinned TCX link; the caller owns it.
 *
 * @example Usage
 * ```ts
 * import { type BpfProgram, openPinnedTcx } from "ebpf-ts-loader";
 * function updatePinned(path: string, program: BpfProgram): void {
 *   using link = openPinnedTcx(path);
 *   link.update(program);
 * }
 * ```
 */
export function openPinnedTcx(path: string): TcxLink {
  return new TcxLink(openPinnedObject(path, "link"));
}

/**
 * Lists the TCX programs of an interface in the order they run. Requires Linux 6.6.
 *
 * @example Usage
 * ```ts
 * import { attachTcx, type BpfProgram, queryTcx } from "ebpf-ts-loader";
 * function attachUnlessChanged(program: BpfProgram, ifindex: number) {
 *   const { revision, programs } = queryTcx(ifindex, "ingress");
 *   if (programs.length > 0) return undefined;
 *   return attachTcx(program, { ifindex, direction: "ingress", expectedRevision: revision });
 * }
 * ```
 */
export function queryTcx(ifindex: number, direction: TcxDirection): AttachedPrograms {
  requireIfindex(ifindex);
  return queryPrograms({
    target: ifindex,
    attachType: attachType(direction),
    links: true,
    place: `interface ${ifindex} ${direction}`,
  });
}
