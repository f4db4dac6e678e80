import { ATTR, BPF, BpfAttr, close, ERRNO, Fd } from "../sys/mod.ts";
import { BpfMap } from "./bpf_map.ts";
import { type BpfProgram, programOf } from "./bpf_program.ts";
import { btfInfo, type KernelBtf, mapInfo } from "./info.ts";

function* ids(command: number, subject: string): Generator<number> {
  const attr = new BpfAttr(command, ATTR.GET_ID.size);
  for (let id = 0;;) {
    const result = attr.u32(ATTR.GET_ID.id, id).call();
    if (result === -ERRNO.ENOENT) return;
    if (result < 0) throw attr.creationError(result, { action: "list", subject });
    id = attr.getU32(ATTR.GET_ID.nextId);
    yield id;
  }
}

/** Opens an object by id; the caller owns the fd. Undefined if there is none (any more). */
export function openId(command: number, id: number, subject: string): number | undefined {
  const attr = new BpfAttr(command, ATTR.GET_ID.size).u32(ATTR.GET_ID.id, id);
  const result = attr.call();
  if (result === -ERRNO.ENOENT) return undefined;
  if (result >= 0) return result;
  throw attr.creationError(result, { action: `open ${subject} by id`, subject: String(id) });
}

/** Makes an object of an fd, which is closed if that fails. */
function own<T>(fd: number | undefined, make: (fd: number) => T): T | undefined {
  if (fd === undefined) return undefined;
  try {
    return make(fd);
  } catch (error) {
    close(fd);
    throw error;
  }
}

/**
 * The ids of all maps of the kernel, in ascending order. What is made or freed meanwhile may or
 * may not be seen. Needs CAP_SYS_ADMIN. Requires Linux 4.13.
 *
 * @example Usage
 * ```ts
 * import { mapIds, openMapById } from "ebpf-ts-loader";
 * function namesOfMaps(): string[] {
 *   return [...mapIds()].flatMap((id) => {
 *     using map = openMapById(id);
 *     return map ? [map.name] : [];
 *   });
 * }
 * ```
 */
export function mapIds(): Generator<number> {
  return ids(BPF.MAP_GET_NEXT_ID, "maps");
}

/**
 * The ids of all programs of the kernel; see {@linkcode mapIds}.
 *
 * @example Usage
 * ```ts
 * import { openProgramById, programIds } from "ebpf-ts-loader";
 * function findByTag(tag: string) {
 *   for (const id of programIds()) {
 *     const program = openProgramById(id);
 *     if (program?.info().tag === tag) return program;
 *     program?.[Symbol.dispose]();
 *   }
 * }
 * ```
 */
export function programIds(): Generator<number> {
  return ids(BPF.PROG_GET_NEXT_ID, "programs");
}

/**
 * The ids of all BTF of the kernel; see {@linkcode mapIds}. Requires Linux 5.4.
 *
 * @example Usage
 * ```ts
 * import { btfIds, readBtfById } from "ebpf-ts-loader";
 * function modulesWithBtf(): string[] {
 *   const all = [...btfIds()].map(readBtfById);
 *   return all.flatMap((btf) => btf?.fromKernel ? [btf.name] : []);
 * }
 * ```
 */
export function btfIds(): Generator<number> {
  return ids(BPF.BTF_GET_NEXT_ID, "BTF");
}

/**
 * The ids of all links of the kernel; see {@linkcode mapIds}. Requires Linux 5.8.
 *
 * @example Usage
 * ```ts
 * import { linkIds, openLinkById } from "ebpf-ts-loader";
 * function programsWithLinks(): number[] {
 *   return [...linkIds()].flatMap((id) => {
 *     using link = openLinkById(id);
 *     return link ? [link.info().programId] : [];
 *   });
 * }
 * ```
 */
export function linkIds(): Generator<number> {
  return ids(BPF.LINK_GET_NEXT_ID, "links");
}

/**
 * Opens a map by its id; the caller owns it. Undefined if there is none any more.
 *
 * @example Usage
 * ```ts
 * import { openMapById } from "ebpf-ts-loader";
 * function lookup(id: number, key: number): Uint8Array | undefined {
 *   using map = openMapById(id);
 *   return map?.lookup(key);
 * }
 * ```
 */
export function openMapById(id: number): BpfMap | undefined {
  return own(openId(BPF.MAP_GET_FD_BY_ID, id, "map"), (fd) => new BpfMap(fd, mapInfo(fd)));
}

/**
 * Opens a program by its id; the caller owns it. Undefined if there is none any more. The kernel
 * does not tell the attach type it was loaded with: it is given as 0.
 *
 * @example Usage
 * ```ts
 * import { openProgramById } from "ebpf-ts-loader";
 * function runCount(id: number): bigint | undefined {
 *   using program = openProgramById(id);
 *   return program?.info().runCount;
 * }
 * ```
 */
export function openProgramById(id: number): BpfProgram | undefined {
  return own(openId(BPF.PROG_GET_FD_BY_ID, id, "program"), programOf);
}

/**
 * Reads BTF by its id; undefined if there is none any more.
 *
 * @example Usage
 * ```ts
 * import { readBtfById } from "ebpf-ts-loader";
 * const sizeOf = (id: number) => readBtfById(id)?.bytes.length ?? 0;
 * ```
 */
export function readBtfById(id: number): KernelBtf | undefined {
  const fd = openId(BPF.BTF_GET_FD_BY_ID, id, "BTF");
  if (fd === undefined) return undefined;
  using owned = new Fd(fd);
  return btfInfo(owned.fd);
}
