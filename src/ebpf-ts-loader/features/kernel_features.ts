import { MapType, mapTypeName } from "../spec/map_types.ts";
import { AttachType, ProgramType } from "../spec/program_types.ts";
import { ATTR, BPF, bpf, BpfAttr, ERRNO } from "../sys/mod.ts";
import { type BtfFeature, btfOfRelocation, btfWith } from "./_btf_blob.ts";
import { addR0, callHelper, concatBytes, exit, jumpUnlessR0, setR0 } from "./_instructions.ts";
import {
  type BpfCall,
  call,
  closeResult,
  isInconclusive,
  loadBtfBytes,
  makeMap,
} from "./_probe.ts";
import { needsTarget, type ProbeProgram, refusalLog, tryProgram } from "./_program_probe.ts";
import { programTypeName } from "./minimum_kernels.ts";

/** Whether the kernel has a feature; `unknown` where a missing privilege or memory hides it. */
export type Support = "yes" | "no" | "unknown";

export type { BtfFeature };

/** Options of {@linkcode KernelFeatures}. */
export interface KernelFeaturesOptions {
  /** What calls bpf(2): a test passes one that answers like an old kernel. @default the real one */
  readonly bpf?: BpfCall;
}

const LOOPBACK = 1;
const NOT_OPEN = 0x7fff_ffff;
const XDP_NATIVE = 4;
/** Links that cannot be: a kernel that knows them says so by `refusal`, others by EINVAL. */
const LINK_PROBES = {
  // The loopback has no driver.
  xdp: {
    type: ProgramType.XDP,
    attachType: AttachType.XDP,
    target: LOOPBACK,
    flags: XDP_NATIVE,
    refusal: ERRNO.EOPNOTSUPP,
  },
  cgroup: {
    type: ProgramType.CGROUP_SKB,
    attachType: AttachType.CGROUP_INET_EGRESS,
    target: NOT_OPEN,
    flags: 0,
    refusal: ERRNO.EBADF,
  },
  netns: {
    type: ProgramType.SK_LOOKUP,
    attachType: AttachType.SK_LOOKUP,
    target: NOT_OPEN,
    flags: 0,
    refusal: ERRNO.EBADF,
  },
} as const;
const LARGE = 4097;
const REFUSED_HELPER = /unknown func |invalid func |cannot use helper/;
const RELOCATION = { TYPE_ID_LOCAL: 6, SIZE: 16 } as const;
const FUNCTION_INFO_SIZE = 8;

/**
 * What the running kernel can do, found out by trying: version numbers say little, since
 * distributions carry features to older kernels. Conclusive answers are kept. Probing takes the
 * privileges of the thing probed, else the answer is `unknown`.
 *
 * @example Usage
 * ```ts
 * import { KernelFeatures, MapType } from "ebpf-ts-loader";
 * import { assertEquals } from "@std/assert";
 * const ENOSYS = 38, EPERM = 1;
 * const withoutPrivilege = new KernelFeatures({ bpf: () => -EPERM });
 * assertEquals(withoutPrivilege.mapType(MapType.RINGBUF), "unknown");
 * const withoutBpf = new KernelFeatures({ bpf: () => -ENOSYS });
 * assertEquals(withoutBpf.tcx(), "no");
 * ```
 */
export class KernelFeatures {
  readonly #bpf: BpfCall;
  readonly #answers = new Map<string, Support>();

  /** Makes a cache of its own; {@linkcode kernelFeatures} is the one that errors ask. */
  constructor(options: KernelFeaturesOptions = {}) {
    this.#bpf = options.bpf ?? bpf;
  }

  /** Whether maps of a type ({@linkcode MapType}) can be made. */
  mapType(type: number): Support {
    return this.#ask(`map type ${mapTypeName(type)}`, () => {
      const result = makeMap(this.#bpf, type);
      // A type that needs more than a probe can give answers so.
      if (type === MapType.STRUCT_OPS && result === -ERRNO.ENOTSUPP) return 0;
      return result;
    });
  }

  /**
   * Whether programs of a type ({@linkcode ProgramType}) can be loaded. Types that are for a
   * function of the kernel (tracing, LSM, extensions, struct_ops) are `unknown` to a probe.
   */
  programType(type: number): Support {
    if (needsTarget(type)) return "unknown";
    const instructions = concatBytes([setR0(0), exit()]);
    return this.#askProgram(`program type ${programTypeName(type)}`, { type, instructions });
  }

  /** Whether programs of a type may call a helper, by its number (`enum bpf_func_id`). */
  helper(programType: number, id: number): Support {
    const type = this.programType(programType);
    if (type !== "yes") return type;
    return this.#ask(`helper ${id} in ${programTypeName(programType)}`, () => {
      const instructions = concatBytes([callHelper(id), setR0(0), exit()]);
      const program = { type: programType, instructions };
      const result = tryProgram(this.#bpf, program);
      if (result >= 0 || isInconclusive(result)) return result;
      // Other refusals are about arguments: the verifier knows the helper.
      return REFUSED_HELPER.test(refusalLog(this.#bpf, program)) ? result : 0;
    });
  }

  /** Whether programs can be attached by TCX (Linux 6.6). */
  tcx(): Support {
    return this.#ask("TCX", () => {
      const at = ATTR.PROG_QUERY;
      const attr = new BpfAttr(BPF.PROG_QUERY, at.size)
        .u32(at.target, LOOPBACK)
        .u32(at.attachType, AttachType.TCX_INGRESS);
      return call(this.#bpf, BPF.PROG_QUERY, attr);
    });
  }

  /** Whether programs can be attached to an interface's XDP, a cgroup or a namespace by a link. */
  link(kind: "xdp" | "cgroup" | "netns"): Support {
    return this.#ask(`${kind} links`, () => {
      const { type, attachType, target, flags, refusal } = LINK_PROBES[kind];
      const instructions = concatBytes([setR0(0), exit()]);
      const program = tryProgram(this.#bpf, { type, instructions });
      if (program < 0) return program;
      const at = ATTR.LINK_CREATE;
      const attr = new BpfAttr(BPF.LINK_CREATE, at.size)
        .u32(at.programFd, program)
        .u32(at.target, target)
        .u32(at.attachType, attachType)
        .u32(at.flags, flags);
      const result = call(this.#bpf, BPF.LINK_CREATE, attr);
      closeResult(program);
      return result === -refusal ? 0 : result;
    });
  }

  /** Whether maps take batches (Linux 5.6). */
  batch(): Support {
    return this.#ask("batch", () => {
      const map = makeMap(this.#bpf, MapType.ARRAY);
      if (map < 0) return map;
      const at = ATTR.BATCH;
      const attr = new BpfAttr(BPF.MAP_UPDATE_BATCH, at.size)
        .u32(at.fd, map)
        .pointer(at.keysPtr, new Uint8Array(4))
        .pointer(at.valuesPtr, new Uint8Array(4))
        .u32(at.count, 1);
      const result = call(this.#bpf, BPF.MAP_UPDATE_BATCH, attr);
      closeResult(map);
      return result;
    });
  }

  /** Whether the kernel takes a kind of BTF. */
  btf(feature: BtfFeature): Support {
    return this.#ask(`BTF ${feature}`, () => loadBtfBytes(this.#bpf, btfWith(feature)));
  }

  /** Whether the kernel does CO-RE relocations by itself (Linux 5.17). */
  kernelCore(): Support {
    return this.#ask("CO-RE in the kernel", () => {
      const { bytes, functionId, structId, access } = btfOfRelocation();
      const btf = loadBtfBytes(this.#bpf, bytes);
      if (btf < 0) return btf;
      const functionInfo = new Uint8Array(Uint32Array.of(0, functionId).buffer);
      const relocation = Uint32Array.of(0, structId, access, RELOCATION.TYPE_ID_LOCAL);
      const at = ATTR.PROG_LOAD;
      const result = tryProgram(this.#bpf, {
        type: ProgramType.SOCKET_FILTER,
        instructions: concatBytes([setR0(0), exit()]),
        prepare: (attr) =>
          attr.u32(at.btfFd, btf)
            .u32(at.functionCount, 1)
            .u32(at.functionRecordSize, FUNCTION_INFO_SIZE)
            .pointer(at.functionInfoPtr, functionInfo)
            .u32(at.coreCount, 1)
            .u32(at.coreRecordSize, RELOCATION.SIZE)
            .pointer(at.corePtr, new Uint8Array(relocation.buffer)),
      });
      closeResult(btf);
      return result;
    });
  }

  /** Whether the verifier takes loops that end (Linux 5.3). */
  boundedLoops(): Support {
    const body = [setR0(10), addR0(-1), jumpUnlessR0(0, -2), exit()];
    return this.#askProgram("bounded loops", {
      type: ProgramType.SOCKET_FILTER,
      instructions: concatBytes(body),
    });
  }

  /** Whether a program may have more than 4,096 instructions (Linux 5.2). */
  largePrograms(): Support {
    const body = Array.from({ length: LARGE - 1 }, () => setR0(0));
    return this.#askProgram("more than 4096 instructions", {
      type: ProgramType.SOCKET_FILTER,
      instructions: concatBytes([...body, exit()]),
    });
  }

  /**
   * Makes a feature's answer what the test wants until the handle is disposed, so that errors can
   * be seen as on an old kernel: `pretend("TCX", "no")`. Names: `TCX`, `batch`,
   * `map type RINGBUF`, `program type XDP`, `helper 12 in XDP`, `BTF enum64` …
   */
  pretend(feature: string, answer: Support): Disposable {
    const before = this.#answers.get(feature);
    this.#answers.set(feature, answer);
    return {
      [Symbol.dispose]: () => {
        if (before === undefined) this.#answers.delete(feature);
        else this.#answers.set(feature, before);
      },
    };
  }

  #askProgram(feature: string, program: ProbeProgram): Support {
    return this.#ask(feature, () => tryProgram(this.#bpf, program));
  }

  /** `probe` returns an fd, 0 or −errno; the fd is closed here. */
  #ask(feature: string, probe: () => number): Support {
    const known = this.#answers.get(feature);
    if (known !== undefined) return known;
    const result = probe();
    if (result > 0) closeResult(result);
    if (isInconclusive(result)) return "unknown";
    const answer = result >= 0 ? "yes" : "no";
    this.#answers.set(feature, answer);
    return answer;
  }
}

/** What this package asks after a failure, to tell an old kernel from a wrong argument. */
export const kernelFeatures: KernelFeatures = new KernelFeatures();
