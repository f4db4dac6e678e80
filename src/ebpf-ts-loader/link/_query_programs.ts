import { ATTR, BPF, BpfAttr } from "../sys/mod.ts";

/** The programs of one place in the order they run. */
export interface AttachedPrograms {
  /** Changes with each attachment where the kernel counts them, else 0. */
  readonly revision: bigint;
  /** `linkId` is 0 for a program attached without a link, or where the kernel does not tell. */
  readonly programs: readonly { readonly programId: number; readonly linkId: number }[];
}

/** What to list. */
export interface ProgramQuery {
  /** fd or interface index. */
  readonly target: number;
  readonly attachType: number;
  /** BPF_F_QUERY_* flags. */
  readonly flags?: number;
  /** Ask for link ids: only TCX and netkit have them. */
  readonly links?: boolean;
  /** The place, for messages. */
  readonly place: string;
}

// BPF_MPROG_MAX, BPF_CGROUP_MAX_PROGS; a cgroup inherits those of each ancestor.
const ROOM = 1024;

/** BPF_PROG_QUERY. */
export function queryPrograms(query: ProgramQuery): AttachedPrograms {
  const at = ATTR.PROG_QUERY;
  const programIds = new Uint32Array(ROOM);
  const linkIds = new Uint32Array(ROOM);
  const attr = new BpfAttr(BPF.PROG_QUERY, at.size)
    .u32(at.target, query.target)
    .u32(at.attachType, query.attachType)
    .u32(at.flags, query.flags ?? 0)
    .pointer(at.programIdsPtr, programIds)
    .u32(at.count, ROOM);
  if (query.links) attr.pointer(at.linkIdsPtr, linkIds);
  attr.must({ action: "query programs of", subject: query.place });
  const programs = Array.from({ length: attr.getU32(at.count) }, (_, index) => ({
    programId: programIds[index] ?? 0,
    linkId: linkIds[index] ?? 0,
  }));
  return { revision: attr.getU64(at.revision64), programs };
}
