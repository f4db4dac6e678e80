import { kernelFeatures } from "../features/kernel_features.ts";
import type { BpfProgram } from "../object/bpf_program.ts";
import { Fd, open } from "../sys/mod.ts";
import { createLink } from "./_create_link.ts";
import { type AttachedPrograms, queryPrograms } from "./_query_programs.ts";
import { BpfLink } from "./bpf_link.ts";
import type { LinkPosition } from "./position.ts";

/** Options of {@linkcode attachCgroup}. */
export interface CgroupOptions {
  /** Folder of the cgroup (v2): `/sys/fs/cgroup/web`. */
  readonly cgroup: string;
  /** `enum bpf_attach_type`; see {@linkcode AttachType}. @default the program's expected one */
  readonly attachType?: number;
  /** Place among the cgroup's own programs. Requires Linux 6.17. @default tail() */
  readonly position?: LinkPosition;
  /** Refuse (ESTALE) unless at this revision. Requires Linux 6.17. @default any */
  readonly expectedRevision?: bigint;
}

const BPF_F_QUERY_EFFECTIVE = 1;
const FEATURE = {
  name: "cgroup links",
  minimumKernel: "5.7",
  probe: () => kernelFeatures.link("cgroup"),
};

/**
 * Attaches a program to a cgroup and all those below it. Any number of programs can be there, of
 * this cgroup and its ancestors: for most types, one that denies decides. It runs until the link
 * is disposed, unless that is pinned, or the cgroup is removed. The caller owns the link. Requires
 * Linux 5.7, else {@linkcode NotSupportedError}.
 *
 * @example Usage
 * ```ts
 * import { attachCgroup, type BpfProgram } from "ebpf-ts-loader";
 * const guard = (program: BpfProgram) => attachCgroup(program, { cgroup: "/sys/fs/cgroup/web" });
 * ```
 */
export function attachCgroup(
  program: Pick<BpfProgram, "fd" | "name" | "expectedAttachType">,
  options: CgroupOptions,
): BpfLink {
  const { cgroup, attachType = program.expectedAttachType, position, expectedRevision } = options;
  using folder = new Fd(open(cgroup));
  const request = {
    program,
    target: folder.fd,
    attachType,
    position,
    expectedRevision,
    place: `cgroup ${cgroup}, attach type ${attachType}`,
  };
  return new BpfLink(createLink(request, FEATURE));
}

/** Options of {@linkcode queryCgroup}. */
export interface CgroupQueryOptions {
  /** `all` that run for the cgroup, those of its ancestors included, or its `own`. @default own */
  readonly which?: "own" | "all";
}

/**
 * Lists the programs of a cgroup in the order they run. Link ids are 0: the kernel does not tell.
 * Requires Linux 4.15.
 *
 * @example Usage
 * ```ts
 * import { AttachType, queryCgroup } from "ebpf-ts-loader";
 * const countEgress = (cgroup: string) =>
 *   queryCgroup(cgroup, AttachType.CGROUP_INET_EGRESS, { which: "all" }).programs.length;
 * ```
 */
export function queryCgroup(
  cgroup: string,
  attachType: number,
  options: CgroupQueryOptions = {},
): AttachedPrograms {
  using folder = new Fd(open(cgroup));
  return queryPrograms({
    target: folder.fd,
    attachType,
    flags: options.which === "all" ? BPF_F_QUERY_EFFECTIVE : 0,
    place: `cgroup ${cgroup}`,
  });
}
