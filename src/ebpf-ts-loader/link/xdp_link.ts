import { kernelFeatures } from "../features/kernel_features.ts";
import { NetlinkError, openRtnetlink, readXdp, type XdpState } from "../netlink/mod.ts";
import type { BpfProgram } from "../object/bpf_program.ts";
import { AttachType } from "../spec/program_types.ts";
import { createLink, requireIfindex } from "./_create_link.ts";
import { BpfLink } from "./bpf_link.ts";

/**
 * Where an XDP program runs: in the driver (`native`), behind it for any interface (`generic`,
 * slower), or inside the network card (`offload`).
 */
export type XdpMode = "native" | "generic" | "offload";

/** Options of {@linkcode attachXdp}. */
export interface XdpOptions {
  /** Interface index, in the network namespace of the calling thread. */
  readonly ifindex: number;
  /** @default native where the driver can, else generic */
  readonly mode?: XdpMode;
}

const FLAGS: Readonly<Record<XdpMode, number>> = { generic: 2, native: 4, offload: 8 };
const FEATURE = {
  name: "XDP links",
  minimumKernel: "5.9",
  probe: () => kernelFeatures.link("xdp"),
};

/**
 * Attaches an XDP program to an interface; it is the only one there in its mode (EBUSY, EEXIST).
 * It runs until the link is disposed, unless that is pinned. The caller owns the link. Requires
 * Linux 5.9, else {@linkcode NotSupportedError}; EOPNOTSUPP for a mode that the driver lacks, EINVAL for an
 * interface that does not exist.
 *
 * @example Usage
 * ```ts
 * import { attachXdp, type BpfProgram } from "ebpf-ts-loader";
 * const attachAnywhere = (program: BpfProgram, ifindex: number) =>
 *   attachXdp(program, { ifindex, mode: "generic" });
 * ```
 */
export function attachXdp(
  program: Pick<BpfProgram, "fd" | "name">,
  options: XdpOptions,
): BpfLink {
  const { ifindex, mode } = options;
  requireIfindex(ifindex);
  const request = {
    program,
    target: ifindex,
    attachType: AttachType.XDP,
    flags: mode === undefined ? 0 : FLAGS[mode],
    place: `interface ${ifindex} XDP${mode === undefined ? "" : ` ${mode}`}`,
  };
  return new BpfLink(createLink(request, FEATURE, () => missingInterface(ifindex)));
}

/** The kernel answers EINVAL where TCX would answer ENODEV. */
function missingInterface(ifindex: number): string | undefined {
  try {
    queryXdp(ifindex);
    return undefined;
  } catch (error) {
    const missing = error instanceof NetlinkError && error.code === "ENODEV";
    return missing ? `interface ${ifindex} to exist` : undefined;
  }
}

/**
 * Tells which XDP programs an interface of the calling thread's namespace has.
 *
 * @example Usage
 * ```ts
 * import { queryXdp } from "ebpf-ts-loader";
 * const LOOPBACK = 1;
 * console.log(queryXdp(LOOPBACK).native ?? "none in the driver");
 * ```
 */
export function queryXdp(ifindex: number): XdpState {
  using netlink = openRtnetlink();
  return readXdp(netlink, ifindex);
}
