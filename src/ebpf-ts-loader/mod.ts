/**
 * A pure-TypeScript eBPF loader for Deno: no libbpf, no compiler, no native addon.
 *
 * Layers point one way: **bytes → spec → object → link**.
 *
 * 1. {@linkcode parseObject} turns an ELF file into a {@linkcode CollectionSpec}: plain data, the
 *    same on any machine, no kernel or permission needed. Look at it, change it, copy it
 *    ({@linkcode cloneSpec}); {@linkcode Btf} gives the layout of every struct.
 * 2. {@linkcode loadCollection} makes kernel objects of it: {@linkcode BpfMap} and
 *    {@linkcode BpfProgram}. {@linkcode prepare} does the shared part once where the same object is
 *    loaded many times with other constants.
 * 3. {@linkcode attachTc}, {@linkcode attachXdp}, {@linkcode attachCgroup} and
 *    {@linkcode attachNetns} attach a program; {@linkcode RingBuffer} and
 *    {@linkcode PerfEventReader} read what it writes.
 *
 * Everything that holds a file descriptor is `Disposable`; nothing stays open when a function
 * throws. What the kernel lacks is found out after a failure ({@linkcode kernelFeatures}) and told
 * by a {@linkcode NotSupportedError} with the release that has it. Loading needs Linux 5.2 (5.17
 * for CO-RE by the kernel), root or CAP_BPF + CAP_NET_ADMIN, and `--allow-ffi --allow-read`.
 *
 * @example Usage
 * ```ts
 * import { attachTcx, loadCollection, parseObject, RingBuffer } from "ebpf-ts-loader";
 *
 * async function count(path: string, ifindex: number, seconds: number): Promise<number> {
 *   const spec = parseObject(await Deno.readFile(path), path);
 *   using collection = loadCollection(spec, { variables: { config_endpoint_id: 7 } });
 *   using _link = attachTcx(collection.program("emit"), { ifindex, direction: "ingress" });
 *   using ring = new RingBuffer(collection.map("events"));
 *
 *   let records = 0;
 *   for await (const _ of ring.records({ signal: AbortSignal.timeout(seconds * 1000) })) records++;
 *   return records;
 * }
 * ```
 *
 * @module
 */

export { Btf } from "./btf/btf.ts";
export { type CoreInput, type CoreResult, relocateCore } from "./core/relocate.ts";
export {
  CoreKind,
  type CoreRelocation,
  coreRelocations,
  describeRelocation,
} from "./core/relocation.ts";
export { insertInstructions, type Insertion } from "./code/insert_instructions.ts";
export {
  type CodeBlock,
  instrumentBlocks,
  type InstrumentedSpec,
  type InstrumentOptions,
} from "./code/instrument_blocks.ts";
export { type SourceLine, SourceLines } from "./code/source_line.ts";
export type { ByteOrder } from "./elf/elf_file.ts";
export type * from "./btf/layout.ts";
export type * from "./btf/types.ts";
export { type BtfValue, decodeValue, encodeValue, type ValueContext } from "./btf/value.ts";
export {
  type Difference,
  MismatchError,
  NotSupportedError,
  ObjectFormatError,
  VerifierError,
  type VerifierErrorOptions,
} from "./errors.ts";
export {
  type BtfFeature,
  KernelFeatures,
  kernelFeatures,
  type KernelFeaturesOptions,
  type Support,
} from "./features/kernel_features.ts";
export type { AttachedPrograms } from "./link/_query_programs.ts";
export { attachTc, type TcAttachment, type TcOptions } from "./link/attach_tc.ts";
export { BpfLink, openLinkById, openPinnedLink } from "./link/bpf_link.ts";
export {
  attachCgroup,
  type CgroupOptions,
  type CgroupQueryOptions,
  queryCgroup,
} from "./link/cgroup_link.ts";
export {
  attachClsact,
  ClsactFilter,
  type ClsactOptions,
  type ClsactPlace,
} from "./link/clsact_filter.ts";
export { attachNetns, type NetnsOptions, queryNetns } from "./link/netns_link.ts";
export {
  afterLink,
  afterProgram,
  beforeLink,
  beforeProgram,
  head,
  type LinkPosition,
  tail,
} from "./link/position.ts";
export {
  attachTcx,
  openPinnedTcx,
  queryTcx,
  type TcxDirection,
  TcxLink,
  type TcxOptions,
} from "./link/tcx_link.ts";
export { attachXdp, queryXdp, type XdpMode, type XdpOptions } from "./link/xdp_link.ts";
export { BpfMap, type MapMmapOptions, type MapShape } from "./object/bpf_map.ts";
export type { BenchmarkOptions, BenchmarkResult } from "./object/benchmark_program.ts";
export { BpfProgram, openPinnedProgram, type ProgramShape } from "./object/bpf_program.ts";
export { Collection } from "./object/collection.ts";
export {
  type CompatibilityOptions,
  createMap,
  type CreateMapOptions,
  openPinnedMap,
  requireCompatible,
} from "./object/create_map.ts";
export {
  type KernelBtf,
  type LinkInfo,
  LinkType,
  type MapInfo,
  type ProgramInfo,
} from "./object/info.ts";
export { type Kconfig, type KconfigValue } from "./object/kernel_config.ts";
export { kernelTypes } from "./object/kernel_types.ts";
export { loadBtf } from "./object/load_btf.ts";
export { loadCollection, type LoadCollectionOptions } from "./object/load_collection.ts";
export { loadProgram, type LoadProgramOptions } from "./object/load_program.ts";
export {
  BatchCursor,
  BatchError,
  type BatchOptions,
  type BatchResult,
  type DeleteBatchOptions,
} from "./object/map_batch.ts";
export { type MapKey, type MapValue, UpdateFlag } from "./object/map_elements.ts";
export { type KernelSymbol, resolveExterns } from "./object/resolve_externs.ts";
export { type MapLayouts, TypedMap, typedMap } from "./object/typed_map.ts";
export { Variable } from "./object/variable.ts";
export {
  btfIds,
  linkIds,
  mapIds,
  openMapById,
  openProgramById,
  programIds,
  readBtfById,
} from "./object/object_walk.ts";
export { unpin } from "./object/pin.ts";
export { possibleCpus } from "./object/possible_cpus.ts";
export { enableStats } from "./object/program_stats.ts";
export {
  type OnPerfBatch,
  type OnPerfRecord,
  PerfEventReader,
  type PerfEventReaderOptions,
  type PerfRecord,
} from "./reader/perf_event_reader.ts";
export {
  type OnBatch,
  type OnRecord,
  RingBuffer,
  type RingBufferOptions,
} from "./reader/ring_buffer.ts";
export { UserRingBuffer } from "./reader/user_ring_buffer.ts";
export {
  type InstantiateOptions,
  prepare,
  type PrepareOptions,
  type Template,
} from "./object/template.ts";
export type { TestRunOptions, TestRunResult } from "./object/test_run.ts";
export {
  cloneMap,
  cloneProgram,
  cloneSpec,
  type CollectionSpec,
  type ExternReferenceSpec,
  type ExternSpec,
  type KconfigExtern,
  type KconfigKind,
  type KfuncExtern,
  type KsymExtern,
  type MapSpec,
  type ProgramSpec,
  type ReferenceSpec,
  type SlotSpec,
  type VariableSpec,
} from "./spec/collection_spec.ts";
export { isMapOfMaps, isPerCpu, MapFlags, MapType, mapTypeName } from "./spec/map_types.ts";
export { parseObject } from "./spec/parse_object.ts";
export { AttachType, ProgramType } from "./spec/program_types.ts";
export {
  type AttachBtf,
  ProgramFlags,
  type SectionKind,
  sectionKind,
} from "./spec/section_kind.ts";
export {
  getVariable,
  setVariable,
  type VariableValue,
  variableValue,
} from "./spec/variable_value.ts";
