import { type LinkInfo, linkInfo } from "../object/info.ts";
import { openId } from "../object/object_walk.ts";
import { openPinnedObject, pinObject } from "../object/pin.ts";
import { ATTR, BPF, BpfAttr, Fd } from "../sys/mod.ts";

const BPF_F_REPLACE = 4;

/**
 * A program attached somewhere; owns the link's fd. Closing it detaches the program, unless the
 * link is pinned. All methods throw `SyscallError`.
 *
 * @example Usage
 * ```ts
 * import { attachXdp, type BpfProgram } from "ebpf-ts-loader";
 * function replaceLater(first: BpfProgram, second: BpfProgram, ifindex: number) {
 *   const link = attachXdp(first, { ifindex });
 *   return () => link.update(second, first);
 * }
 * ```
 */
export class BpfLink implements Disposable {
  readonly #fd: Fd;

  /** Takes ownership of a link's `fd`. */
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

  /**
   * Detaches now, even if the link is pinned; the fd stays open until disposal. Requires Linux
   * 5.9.
   */
  detach(): void {
    new BpfAttr(BPF.LINK_DETACH, ATTR.LINK_DETACH.size)
      .u32(ATTR.LINK_DETACH.linkFd, this.fd)
      .must({ action: "detach link", subject: `fd ${this.fd}` });
  }

  /** Pins the link: it stays attached after disposal and the end of the process. */
  pin(path: string): void {
    pinObject(this.fd, path);
  }

  /** What the kernel says about the link. Requires Linux 5.8. */
  info(): LinkInfo {
    return linkInfo(this.fd);
  }

  /** Closes the fd, which detaches the program unless the link is pinned. */
  [Symbol.dispose](): void {
    this.#fd[Symbol.dispose]();
  }
}

/**
 * Opens a pinned link of any type; the caller owns it. Throws `TypeError` if something else is
 * pinned there.
 *
 * @example Usage
 * ```ts
 * import { openPinnedLink } from "ebpf-ts-loader";
 * function detachPinned(path: string): void {
 *   using link = openPinnedLink(path);
 *   link.detach();
 * }
 * ```
 */
export function openPinnedLink(path: string): BpfLink {
  return new BpfLink(openPinnedObject(path, "link"));
}

/**
 * Opens a link by its id; the caller owns it. Undefined if there is none any more. Needs
 * CAP_SYS_ADMIN. Requires Linux 5.8.
 *
 * @example Usage
 * ```ts
 * import { openLinkById, queryTcx } from "ebpf-ts-loader";
 * function detachAll(ifindex: number): void {
 *   for (const { linkId } of queryTcx(ifindex, "ingress").programs) {
 *     using link = openLinkById(linkId);
 *     link?.detach();
 *   }
 * }
 * ```
 */
export function openLinkById(id: number): BpfLink | undefined {
  const fd = openId(BPF.LINK_GET_FD_BY_ID, id, "link");
  return fd === undefined ? undefined : new BpfLink(fd);
}
