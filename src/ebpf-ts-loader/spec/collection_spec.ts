import type { ByteOrder } from "../elf/elf_file.ts";
import type { Btf } from "../btf/btf.ts";
import type { AttachBtf } from "./section_kind.ts";

/** A slot of a map-in-map or prog array that the object fills. */
export interface SlotSpec {
  /** Slot number. */
  readonly index: number;
  /** What the slot holds. */
  readonly kind: "map" | "program";
  /** Name of the map or program. */
  readonly name: string;
}

/** A map to be created: plain data. */
export interface MapSpec {
  /** Name in the object. */
  name: string;
  /** `enum bpf_map_type`; see {@linkcode MapType}. */
  type: number;
  /** Bytes. */
  keySize: number;
  /** Bytes; of one CPU's value for per-CPU maps. */
  valueSize: number;
  /** Elements at most; bytes of a ring buffer. */
  maxEntries: number;
  /** Flags of BPF_MAP_CREATE; see {@linkcode MapFlags}. */
  flags: number;
  /** Node for `MapFlags.NUMA_NODE`. */
  numaNode: number;
  /** Type-specific; the number of hash functions of a bloom filter. */
  mapExtra: bigint;
  /** True if declared `__uint(pinning, LIBBPF_PIN_BY_NAME)`. */
  pinByName: boolean;
  /** BTF type id of the key; 0 if unknown. */
  keyTypeId: number;
  /** BTF type id of the value; 0 if unknown. */
  valueTypeId: number;
  /** Template of the maps inside a map-in-map. */
  inner: MapSpec | undefined;
  /** Slots filled when the map is created. */
  slots: SlotSpec[];
  /** First value of a global-data section; undefined for other maps. */
  contents: Uint8Array<ArrayBuffer> | undefined;
  /** True for `.rodata*`: frozen before programs load. */
  frozen: boolean;
  /** Texts of the `btf_decl_tag` attributes of the definition. */
  tags: string[];
}

/** A reference of an instruction to something that exists only once objects are created. */
export interface ReferenceSpec {
  /** Index of the (first, 8-byte) instruction. */
  readonly instruction: number;
  /** Name of the map. */
  readonly map: string;
  /** Byte offset into the map's value, for global data; undefined for the map itself. */
  readonly valueOffset: number | undefined;
}

/** How an extern's configuration value is written in the kernel's config. */
export type KconfigKind = "bool" | "tristate" | "char" | "int" | "string";

/** `extern … __kconfig`: a configuration value of the kernel, in the map `.kconfig`. */
export interface KconfigExtern {
  /** Tells the kinds of extern apart. */
  readonly kind: "kconfig";
  /** `CONFIG_HZ`, or one of libbpf's `LINUX_KERNEL_VERSION` and `LINUX_HAS_…`. */
  readonly name: string;
  /** True if the object can do without it; it is then 0. */
  readonly weak: boolean;
  /** BTF type id of the value. */
  readonly typeId: number;
  /** How the value is written. */
  readonly value: KconfigKind;
  /** True if negative values are possible. */
  readonly signed: boolean;
  /** Byte offset inside `.kconfig`. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

/** `extern … __ksym` of a variable: its address in the kernel. */
export interface KsymExtern {
  /** Tells the kinds of extern apart. */
  readonly kind: "ksym";
  /** Name in the object. */
  readonly name: string;
  /** True if the object can do without it; its address is then 0. */
  readonly weak: boolean;
  /** BTF type id; 0 for `extern const void`, whose address is not checked by the verifier. */
  readonly typeId: number;
}

/** `extern … __ksym` of a function: a kernel function that programs may call. */
export interface KfuncExtern {
  /** Tells the kinds of extern apart. */
  readonly kind: "kfunc";
  /** Name in the object. */
  readonly name: string;
  /** True if the object can do without it; a call that is reached is then refused. */
  readonly weak: boolean;
  /** BTF type id of the prototype. */
  readonly typeId: number;
}

/** A symbol that something outside the object defines. */
export type ExternSpec = KconfigExtern | KsymExtern | KfuncExtern;

/** An instruction that takes a kernel symbol's address, or calls a kernel function. */
export interface ExternReferenceSpec {
  /** Index of the (first, 8-byte) instruction. */
  readonly instruction: number;
  /** Name of the {@linkcode KsymExtern} or {@linkcode KfuncExtern}. */
  readonly name: string;
}

/** A program to be loaded: complete, with every function it calls appended. */
export interface ProgramSpec {
  /** Name in the object. */
  name: string;
  /** ELF section it came from, without the leading "?". */
  section: string;
  /** `enum bpf_prog_type`; see {@linkcode ProgramType}. */
  type: number;
  /** `enum bpf_attach_type`, or 0. */
  expectedAttachType: number;
  /** Flags of BPF_PROG_LOAD. */
  flags: number;
  /** What the section says the program attaches to: `tcp_connect`; undefined if nothing. */
  attachTo: string | undefined;
  /** How `attachTo` is found in the kernel's BTF, or undefined if it is no BTF type. */
  attachBtf: AttachBtf | undefined;
  /** False for `SEC("?…")`: loaded only when asked for by name. */
  autoload: boolean;
  /** 8 bytes each, little-endian. A copy may be modified and loaded, at the same length. */
  instructions: Uint8Array<ArrayBuffer>;
  /** References to maps and global data, in instruction order. */
  references: ReferenceSpec[];
  /** References to kernel symbols and functions, in instruction order. */
  externs: ExternReferenceSpec[];
  /** Names and first instruction of the functions, the program's own first. */
  functions: { readonly name: string; readonly instruction: number }[];
  /** `struct bpf_func_info` records with instruction indexes. */
  functionInfo: Uint8Array<ArrayBuffer>;
  /** `struct bpf_line_info` records with instruction indexes. */
  lineInfo: Uint8Array<ArrayBuffer>;
  /** `struct bpf_core_relo` records with byte offsets. */
  coreRelocations: Uint8Array<ArrayBuffer>;
}

/** A global variable. */
export interface VariableSpec {
  /** Name in the object. */
  readonly name: string;
  /** Name of the section's map: `.rodata`. */
  readonly section: string;
  /** Byte offset inside the section. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  /** BTF type id; 0 if the object has no BTF for it. */
  readonly typeId: number;
  /** Texts of the variable's `btf_decl_tag` attributes. */
  readonly tags: readonly string[];
}

/**
 * All an object file says, as plain data: deterministic, no kernel needed. May be changed before
 * it is loaded; {@linkcode cloneSpec} copies it.
 */
export interface CollectionSpec {
  /** File name, for messages. */
  name: string;
  /** By name, in the object's order; global data under its section's name (`.rodata`). */
  maps: Map<string, MapSpec>;
  /** By name, in the object's order. */
  programs: Map<string, ProgramSpec>;
  /** By name. */
  variables: Map<string, VariableSpec>;
  /** What the object expects of the kernel, by name. */
  externs: Map<string, ExternSpec>;
  /** Order of the numbers in global data; instructions and BTF are little-endian here. */
  byteOrder: ByteOrder;
  /** Undefined if the object was built without -g. */
  btf: Btf | undefined;
  /** The BTF as the kernel takes it: section sizes and variable offsets filled in. */
  kernelBtf: Uint8Array<ArrayBuffer> | undefined;
  /** Content of the `license` section, or "". */
  license: string;
}

/**
 * A deep copy whose instructions, map contents and sizes may be changed independently.
 *
 * @example Usage
 * ```ts
 * import { cloneSpec, getVariable, parseObject, setVariable } from "ebpf-ts-loader";
 * import { assertEquals } from "@std/assert";
 * const spec = parseObject(await Deno.readFile("tests/ebpf-ts-loader/fixtures/tc.bpf.o"));
 * setVariable(cloneSpec(spec), "config_endpoint_id", 7);
 * assertEquals(getVariable(spec, "config_endpoint_id")[0], 1);
 * ```
 */
export function cloneSpec(spec: CollectionSpec): CollectionSpec {
  return {
    ...spec,
    maps: new Map([...spec.maps].map(([name, map]) => [name, cloneMap(map)])),
    programs: new Map(
      [...spec.programs].map(([name, program]) => [name, cloneProgram(program)]),
    ),
    variables: new Map(spec.variables),
    externs: new Map(spec.externs),
  };
}

/**
 * A deep copy of one map's specification.
 *
 * @example Usage
 * ```ts
 * import { cloneMap, parseObject } from "ebpf-ts-loader";
 * import { assertEquals } from "@std/assert";
 * const spec = parseObject(await Deno.readFile("tests/ebpf-ts-loader/fixtures/tc.bpf.o"));
 * const original = spec.maps.get("flows");
 * const larger = original && { ...cloneMap(original), maxEntries: 4096 };
 * assertEquals([original?.maxEntries, larger?.maxEntries], [128, 4096]);
 * ```
 */
export function cloneMap(map: MapSpec): MapSpec {
  return {
    ...map,
    inner: map.inner && cloneMap(map.inner),
    slots: [...map.slots],
    tags: [...map.tags],
    contents: map.contents?.slice(),
  };
}

/**
 * A deep copy of one program's specification.
 *
 * @example Usage
 * ```ts
 * import { cloneProgram, parseObject } from "ebpf-ts-loader";
 * import { assertEquals } from "@std/assert";
 * const spec = parseObject(await Deno.readFile("tests/ebpf-ts-loader/fixtures/tc.bpf.o"));
 * const original = spec.programs.get("loops");
 * const copy = original && cloneProgram(original);
 * copy?.instructions.fill(0);
 * assertEquals(original?.instructions.every((byte) => byte === 0), false);
 * ```
 */
export function cloneProgram(program: ProgramSpec): ProgramSpec {
  return {
    ...program,
    instructions: program.instructions.slice(),
    references: [...program.references],
    externs: [...program.externs],
    functions: [...program.functions],
  };
}
