import { NotSupportedError } from "../errors.ts";
import type { Support } from "../features/kernel_features.ts";
import { ATTR, BPF, BpfAttr, ERRNO } from "../sys/mod.ts";
import type { LinkPosition } from "./position.ts";

/** What to attach where. */
export interface LinkRequest {
  readonly program: { readonly fd: number; readonly name: string };
  /** fd or interface index. */
  readonly target: number;
  readonly attachType: number;
  readonly flags?: number;
  readonly position?: LinkPosition | undefined;
  readonly expectedRevision?: bigint | undefined;
  /** The target, for messages. */
  readonly place: string;
}

/** The feature without which the kernel refuses the link with EINVAL. */
export interface LinkFeature {
  readonly name: string;
  readonly minimumKernel: string;
  readonly probe: () => Support;
}

/** What would have made the kernel take a link that it refused with EINVAL, if that can be told. */
export type Remedy = () => string | undefined;

/** BPF_LINK_CREATE; returns the fd, which the caller owns. */
export function createLink(
  request: LinkRequest,
  feature: LinkFeature,
  remedy?: Remedy,
): number {
  const { program, target, attachType, position, expectedRevision, place } = request;
  const at = ATTR.LINK_CREATE;
  const attr = new BpfAttr(BPF.LINK_CREATE, at.size)
    .u32(at.programFd, program.fd)
    .u32(at.target, target)
    .u32(at.attachType, attachType)
    .u32(at.flags, (request.flags ?? 0) | (position?.flags ?? 0))
    .u32(at.relativeFd, position?.relativeFd ?? 0)
    .u64(at.revision64, expectedRevision ?? 0n);
  const fd = attr.call();
  if (fd >= 0) return fd;
  const subject = `${program.name} to ${place}`;
  const expected = fd === -ERRNO.EINVAL ? remedy?.() : undefined;
  const cause = attr.creationError(fd, {
    action: "attach",
    subject,
    ...(expected === undefined ? {} : { expected }),
  });
  // A refusal has many reasons; that the kernel is too old is asked only now.
  if (fd !== -ERRNO.EINVAL || feature.probe() !== "no") throw cause;
  throw new NotSupportedError("attach", subject, feature.name, feature.minimumKernel, { cause });
}

/** Checks an interface index. */
export function requireIfindex(ifindex: number): void {
  if (Number.isInteger(ifindex) && ifindex > 0 && ifindex <= 0x7fffffff) return;
  throw new RangeError(`Cannot use "ifindex": ${ifindex}, expected an interface index`);
}
