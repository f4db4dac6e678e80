const BPF_F_BEFORE = 8;
const BPF_F_AFTER = 16;
const BPF_F_LINK = 0x2000;

/**
 * Where among the programs of one place a new one goes; made by {@linkcode head},
 * {@linkcode tail}, {@linkcode beforeLink}, {@linkcode afterLink}, {@linkcode beforeProgram} and
 * {@linkcode afterProgram}.
 */
export interface LinkPosition {
  /** @internal */
  readonly flags: number;
  /** @internal */
  readonly relativeFd: number;
}

/**
 * Before all others.
 *
 * @example Usage
 * ```ts
 * import { attachTcx, type BpfProgram, head } from "ebpf-ts-loader";
 * const attachFirst = (program: BpfProgram, ifindex: number) =>
 *   attachTcx(program, { ifindex, direction: "ingress", position: head() });
 * ```
 */
export function head(): LinkPosition {
  return { flags: BPF_F_BEFORE, relativeFd: 0 };
}

/**
 * After all others.
 *
 * @example Usage
 * ```ts
 * import { attachTcx, type BpfProgram, tail } from "ebpf-ts-loader";
 * const attachLast = (program: BpfProgram, ifindex: number) =>
 *   attachTcx(program, { ifindex, direction: "ingress", position: tail() });
 * ```
 */
export function tail(): LinkPosition {
  return { flags: BPF_F_AFTER, relativeFd: 0 };
}

/**
 * Right before another link of the same place.
 *
 * @example Usage
 * ```ts
 * import { attachTcx, beforeLink, type BpfLink, type BpfProgram } from "ebpf-ts-loader";
 * const attachInFront = (program: BpfProgram, ifindex: number, of: BpfLink) =>
 *   attachTcx(program, { ifindex, direction: "ingress", position: beforeLink(of) });
 * ```
 */
export function beforeLink(link: { readonly fd: number }): LinkPosition {
  return { flags: BPF_F_BEFORE | BPF_F_LINK, relativeFd: link.fd };
}

/**
 * Right after another link of the same place.
 *
 * @example Usage
 * ```ts
 * import { afterLink, attachTcx, type BpfLink, type BpfProgram } from "ebpf-ts-loader";
 * const attachBehind = (program: BpfProgram, ifindex: number, other: BpfLink) =>
 *   attachTcx(program, { ifindex, direction: "ingress", position: afterLink(other) });
 * ```
 */
export function afterLink(link: { readonly fd: number }): LinkPosition {
  return { flags: BPF_F_AFTER | BPF_F_LINK, relativeFd: link.fd };
}

/**
 * Right before another program, however it was attached.
 *
 * @example Usage
 * ```ts
 * import { attachTcx, beforeProgram, type BpfProgram } from "ebpf-ts-loader";
 * const attachInFront = (program: BpfProgram, ifindex: number, of: BpfProgram) =>
 *   attachTcx(program, { ifindex, direction: "ingress", position: beforeProgram(of) });
 * ```
 */
export function beforeProgram(program: { readonly fd: number }): LinkPosition {
  return { flags: BPF_F_BEFORE, relativeFd: program.fd };
}

/**
 * Right after another program, however it was attached.
 *
 * @example Usage
 * ```ts
 * import { afterProgram, attachTcx, type BpfProgram } from "ebpf-ts-loader";
 * const attachBehind = (program: BpfProgram, ifindex: number, other: BpfProgram) =>
 *   attachTcx(program, { ifindex, direction: "ingress", position: afterProgram(other) });
 * ```
 */
export function afterProgram(program: { readonly fd: number }): LinkPosition {
  return { flags: BPF_F_AFTER, relativeFd: program.fd };
}
