import { NotSupportedError } from "../errors.ts";
import type { BpfProgram } from "../object/bpf_program.ts";
import { type LinkInfo, linkInfo } from "../object/info.ts";
import { openPinnedObject, pinObject } from "../object/pin.ts";
import { AttachType } from "../spec/program_types.ts";
import { ATTR, BPF, BpfAttr, ERRNO, Fd } from "../sys/mod.ts";

/** Direction seen from the interface: a container's packets are *ingress* of its host-side veth. */
export type TcxDirection = "ingress" | "egress";

const BPF_F_REPLACE = 4;
const BPF_F_BEFORE = 8;
const BPF_F_AFTER = 16;
const BPF_F_LINK = 0x2000;

/** Where among an interface's programs a new one goes. */
export interface TcxPosition {
  /** @internal */
  readonly flags: number;
  /** @internal */
  readonly relativeFd: number;
}

/** Before all others. */
export function head(): TcxPosition {
  return { flags: BPF_F_BEFORE, relativeFd: 0 };
}

/** After all others. */
export function tail(): TcxPosition {
  return { flags: BPF_F_AFTER, relativeFd: 0 };
}

/** Right before another link. */
export function beforeLink(link: { readonly fd: number }): TcxPosition {
  return { flags: BPF_F_BEFORE | BPF_F_LINK, relativeFd: link.fd };
}

/** Right after another link. */
export function afterLink(link: { readonly fd: number }): TcxPosition {
  return { flags: BPF_F_AFTER | BPF_F_LINK, relativeFd: link.fd };
}

/** Options of {@linkcode attachTcx}. */
export interface TcxOptions {
  /** Interface index, in the network namespace of the calling thread. */
  readonly ifindex: number;
  readonly direction: TcxDirection;
  /** @default tail() */
  readonly position?: TcxPosition;
  /** Refuse (ESTALE) unless {@linkcode queryTcx} would give this revision. @default any */
  readonly expectedRevision?: bigint;
}

function attachType(direction: TcxDirection): number {
  return direction === "ingress" ? AttachType.TCX_INGRESS : AttachType.TCX_EGRESS;
}

function requireIfindex(ifindex: number): void {
  if (Number.isInteger(ifindex) && ifindex > 0 && ifindex <= 0x7fffffff) return;
  throw new RangeError(`Cannot use "ifindex": ${ifindex}, expected an interface index`);
}

/**
 * Attaches a tc program to an interface by TCX. The program runs until the link is disposed (or
 * the process ends), unless it is pinned. The caller owns the link. Requires Linux 6.6, else
 * {@linkcode NotSupportedError}; ENODEV if the interface does not exist.
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
  requireIfindex(options.ifindex);
  const { flags, relativeFd } = options.position ?? { flags: 0, relativeFd: 0 };
  const at = ATTR.LINK_CREATE;
  const attr = new BpfAttr(BPF.LINK_CREATE, at.size)
    .u32(at.programFd, program.fd)
    .u32(at.target, options.ifindex)
    .u32(at.attachType, attachType(options.direction))
    .u32(at.flags, flags)
    .u32(at.relativeFd, relativeFd)
    .u64(at.revision64, options.expectedRevision ?? 0n);
  const fd = attr.call();
  if (fd >= 0) return new TcxLink(fd);
  const subject = `${program.name} to interface ${options.ifindex} ${options.direction}`;
  const cause = attr.error(fd, { action: "attach", subject });
  if (fd === -ERRNO.EINVAL && !hasTcx()) {
    throw new NotSupportedError("attach", subject, "TCX", "6.6", { cause });
  }
  throw cause;
}

/** A kernel without TCX refuses the attach type itself; the loopback always exists. */
function hasTcx(): boolean {
  const LOOPBACK = 1;
  return queryAttr(LOOPBACK, "ingress").call() !== -ERRNO.EINVAL;
}

/** An attached TCX program; owns the link's fd. */
export class TcxLink implements Disposable {
  readonly #fd: Fd;

  /** Takes ownership of a TCX link's `fd`. */
  constructor(fd: number) {
    this.#fd = new Fd(fd);
  }

  /** The descriptor; stays owned by the link. Throws `TypeError` after disposal. */
  get fd(): number {
    return this.#fd.fd;
  }

  /**
   * Replaces the program in one step: each packet meets the old or the new one. With `expected`,
   * only if that program is the one attached (EPERM otherwise).
   */
  update(program: { readonly fd: number }, expected?: { readonly fd: number }): void {
    const at = ATTR.LINK_UPDATE;
    const attr = new BpfAttr(BPF.LINK_UPDATE, at.size)
      .u32(at.linkFd, this.fd)
      .u32(at.newProgramFd, program.fd);
    if (expected) attr.u32(at.flags, BPF_F_REPLACE).u32(at.oldProgramFd, expected.fd);
    attr.must({ action: "update link", subject: `fd ${this.fd}` });
  }

  /** Detaches now, even if the link is pinned; the fd stays open until disposal. */
  detach(): void {
    new BpfAttr(BPF.LINK_DETACH, ATTR.LINK_DETACH.size)
      .u32(ATTR.LINK_DETACH.linkFd, this.fd)
      .must({ action: "detach link", subject: `fd ${this.fd}` });
  }

  /** Pins the link: it stays attached after disposal and the end of the process. */
  pin(path: string): void {
    pinObject(this.fd, path);
  }

  /** What the kernel says about the link. */
  info(): LinkInfo {
    return linkInfo(this.fd);
  }

  /** Closes the fd, which detaches the program unless the link is pinned. */
  [Symbol.dispose](): void {
    this.#fd[Symbol.dispose]();
  }
}

/** Opens a pinned TCX link; the caller owns it. */
export function openPinnedTcx(path: string): TcxLink {
  return new TcxLink(openPinnedObject(path, "link"));
}

/** The programs of an interface in the order they run. */
export interface TcxQuery {
  /** Changes with each attachment; see `expectedRevision`. */
  readonly revision: bigint;
  /** `linkId` is 0 for a program attached without a link. */
  readonly programs: readonly { readonly programId: number; readonly linkId: number }[];
}

function queryAttr(ifindex: number, direction: TcxDirection): BpfAttr {
  return new BpfAttr(BPF.PROG_QUERY, ATTR.PROG_QUERY.size)
    .u32(ATTR.PROG_QUERY.target, ifindex)
    .u32(ATTR.PROG_QUERY.attachType, attachType(direction));
}

// BPF_MPROG_MAX: an interface and direction never has more.
const MAX_PROGRAMS = 64;

/** Lists the TCX programs of an interface. Requires Linux 6.6. */
export function queryTcx(ifindex: number, direction: TcxDirection): TcxQuery {
  requireIfindex(ifindex);
  const at = ATTR.PROG_QUERY;
  const programIds = new Uint32Array(MAX_PROGRAMS);
  const linkIds = new Uint32Array(MAX_PROGRAMS);
  const attr = queryAttr(ifindex, direction)
    .pointer(at.programIdsPtr, programIds)
    .pointer(at.linkIdsPtr, linkIds)
    .u32(at.count, MAX_PROGRAMS);
  const subject = `interface ${ifindex} ${direction}`;
  attr.must({ action: "query TCX programs of", subject });
  const programs = Array.from({ length: attr.getU32(at.count) }, (_, index) => ({
    programId: programIds[index] ?? 0,
    linkId: linkIds[index] ?? 0,
  }));
  return { revision: attr.getU64(at.revision64), programs };
}
