import type { Btf } from "../btf/btf.ts";
import { NotSupportedError } from "../errors.ts";
import {
  cloneMap,
  type CollectionSpec,
  type MapSpec,
  type ProgramSpec,
} from "../spec/collection_spec.ts";
import { isMapOfMaps, MapType } from "../spec/map_types.ts";
import { encodeVariable, requireVariable, type VariableValue } from "../spec/variable_value.ts";
import { ERRNO, type Fd, SyscallError } from "../sys/mod.ts";
import type { BpfMap } from "./bpf_map.ts";
import type { BpfProgram } from "./bpf_program.ts";
import { Collection } from "./collection.ts";
import { createMap, openPinnedMap, requireCompatible } from "./create_map.ts";
import { loadBtf } from "./load_btf.ts";
import { type Kconfig, kconfigContents } from "./kernel_config.ts";
import { loadPrepared, loadProgram, PreparedProgram } from "./load_program.ts";
import { type KernelSymbol, resolveExterns } from "./resolve_externs.ts";
import { Variable } from "./variable.ts";

/** What {@linkcode prepare} shares between instances. */
export interface PrepareOptions {
  /**
   * Existing maps used in place of the specification's, by name; must agree in type, sizes and
   * flags. They stay the caller's. @default none
   */
  maps?: Readonly<Record<string, BpfMap>>;
  /**
   * Names of the only programs to load; then only the maps they refer to (and maps named here)
   * are made. @default every program that is not `SEC("?…")`, and every map
   */
  only?: readonly string[];
  /** Verifier log level of every program. @default 0 */
  logLevel?: number;
  /**
   * Values of `extern … __kconfig`, by name; those left out come from the running kernel.
   * @default none
   */
  kconfig?: Kconfig;
  /**
   * Types to relocate CO-RE accesses against, here instead of in the kernel: for tests, and for
   * kernels without BTF of their own. @default the kernel's, by the kernel
   */
  coreBtf?: Btf;
  /** Folder of maps declared to be pinned by name. @default "/sys/fs/bpf" */
  pinPath?: string;
}

/** What differs between the instances of a template. */
export interface InstantiateOptions {
  /** Values of global variables, by name. @default as in the specification */
  variables?: Readonly<Record<string, VariableValue>>;
  /** Existing maps for this instance, by name; they stay the caller's. @default none */
  maps?: Readonly<Record<string, BpfMap>>;
  /** Maps that the template shares but this instance gets its own of. @default none */
  own?: readonly string[];
  /**
   * Changed copies ({@linkcode cloneProgram}) loaded in place of the template's programs, by name:
   * for mutation testing. @default none
   */
  programs?: Readonly<Record<string, ProgramSpec>>;
}

/**
 * A specification whose BTF is loaded and whose shared maps exist, ready to be instantiated many
 * times (per endpoint) with other constants. Global data with variables and prog arrays with
 * initialisers are made anew for each instance; everything else is shared.
 *
 * Instances may outlive the template: the kernel keeps what their programs use.
 *
 * @example Usage
 * ```ts
 * import { type Template } from "ebpf-ts-loader";
 * function verdicts(template: Template, ids: number[], packet: Uint8Array): number[] {
 *   return ids.map((id) => {
 *     using instance = template.instantiate({ variables: { config_endpoint_id: id } });
 *     return instance.program("from_container").testRun({ data: packet }).returnValue;
 *   });
 * }
 * ```
 */
export class Template implements Disposable {
  readonly #spec: CollectionSpec;
  readonly #options: PrepareOptions;
  readonly #programs: readonly ProgramSpec[];
  readonly #wanted: ReadonlySet<string>;
  readonly #owned: DisposableStack;
  readonly #btf: Fd | undefined;
  readonly #shared = new Map<string, BpfMap>();
  readonly #kconfig: MapSpec | undefined;
  readonly #symbols: ReadonlyMap<string, KernelSymbol>;
  readonly #prepared = new Map<ProgramSpec, PreparedProgram>();

  /** @internal Use {@linkcode prepare}. */
  constructor(spec: CollectionSpec, options: PrepareOptions) {
    this.#spec = spec;
    this.#options = options;
    this.#programs = selectPrograms(spec, options.only);
    this.#wanted = wantedMaps(spec, this.#programs, options.only);
    refuseUnknown(spec, options.maps ?? {});
    refuseForeignOrder(spec);
    this.#kconfig = this.#configured(spec.maps.get(".kconfig"));
    this.#symbols = resolveExterns(spec, this.#programs);
    using owned = new DisposableStack();
    this.#btf = spec.kernelBtf && owned.use(loadBtf(spec.kernelBtf, spec.name, spec.btf));
    for (const [name, map] of this.#mapSpecs()) {
      if (isPerInstance(spec, map)) continue;
      this.#shared.set(name, this.#obtain(name, map, { given: options.maps ?? {}, owned }));
    }
    for (const [name, map] of this.#mapSpecs()) {
      if (this.#shared.has(name)) fillMapSlots(map, this.#shared, options.maps ?? {});
    }
    this.#owned = owned.move();
  }

  /** Maps that all instances share. */
  get maps(): ReadonlyMap<string, BpfMap> {
    return this.#shared;
  }

  *#mapSpecs(): Generator<[string, MapSpec]> {
    for (const [name, map] of this.#spec.maps) {
      if (!this.#wanted.has(name)) continue;
      yield [name, name === this.#kconfig?.name ? this.#kconfig : map];
    }
  }

  /** The map of configuration values with this kernel's values in it. */
  #configured(map: MapSpec | undefined): MapSpec | undefined {
    const { kconfig = {} } = this.#options;
    if (map && !this.#wanted.has(map.name)) return undefined;
    const contents = kconfigContents(this.#spec, kconfig);
    return map && { ...map, contents };
  }

  /** A map given from outside, pinned, or made now. */
  #obtain(
    name: string,
    spec: MapSpec,
    { given, owned }: { given: Readonly<Record<string, BpfMap>>; owned: DisposableStack },
  ): BpfMap {
    const existing = Object.hasOwn(given, name) ? given[name] : undefined;
    if (existing) {
      requireCompatible(existing, spec, { maxEntries: false });
      return existing;
    }
    if (spec.pinByName) return owned.use(this.#pinned(spec));
    return owned.use(createMap(spec, this.#btf ? { btfFd: this.#btf.fd } : {}));
  }

  #pinned(spec: MapSpec): BpfMap {
    const path = `${this.#options.pinPath ?? "/sys/fs/bpf"}/${spec.name}`;
    using map = new DisposableStack();
    try {
      const found = map.use(openPinnedMap(path));
      requireCompatible(found, spec);
      map.move();
      return found;
    } catch (error) {
      if (!(error instanceof SyscallError && error.errno === ERRNO.ENOENT)) throw error;
    }
    const made = map.use(createMap(spec, this.#btf ? { btfFd: this.#btf.fd } : {}));
    made.pin(path);
    map.move();
    return made;
  }

  /**
   * Makes an instance: its own global data with `variables` patched in, and its own programs. The
   * caller owns it. If anything fails, nothing stays open.
   */
  instantiate(options: InstantiateOptions = {}): Collection {
    const { variables = {}, maps: given = {}, own = [], programs: changed = {} } = options;
    refuseUnknown(this.#spec, given);
    this.#refuseUnknownPrograms(Object.keys(changed));
    using owned = new DisposableStack();
    const patched = patchContents(this.#spec, variables);
    const maps = new Map<string, BpfMap>();
    const made = new Set<string>();
    for (const [name, spec] of this.#mapSpecs()) {
      const shared = this.#shared.get(name);
      if (shared && !own.includes(name) && !Object.hasOwn(given, name)) {
        maps.set(name, shared);
        continue;
      }
      const all = { ...this.#options.maps, ...given };
      maps.set(name, this.#obtain(name, patched.get(name) ?? spec, { given: all, owned }));
      if (!Object.hasOwn(all, name)) made.add(name);
    }
    for (const [name, spec] of this.#mapSpecs()) {
      if (made.has(name)) fillMapSlots(spec, maps, {});
    }
    const programs = new Map<string, BpfProgram>();
    for (const original of this.#programs) {
      const { name } = original;
      const spec = Object.hasOwn(changed, name) ? changed[name] ?? original : original;
      programs.set(name, owned.use(this.#load(spec, maps)));
    }
    for (const [name, spec] of this.#mapSpecs()) {
      if (made.has(name)) fillProgramSlots(spec, maps, programs);
    }
    const live = liveVariables(this.#spec, maps);
    for (const variable of live.values()) owned.use(variable);
    return new Collection(maps, programs, owned.move(), live);
  }

  #refuseUnknownPrograms(names: readonly string[]): void {
    const known = this.#programs.map(({ name }) => name);
    const unknown = names.find((name) => !known.includes(name));
    if (unknown === undefined) return;
    throw new TypeError(
      `Cannot replace program "${unknown}": not in "${this.#spec.name}", expected one of ` +
        `${known.join(", ") || "none"}`,
    );
  }

  #load(spec: ProgramSpec, maps: ReadonlyMap<string, BpfMap>): BpfProgram {
    const options = {
      license: this.#spec.license,
      maps,
      symbols: this.#symbols,
      ...(this.#spec.btf && { btf: this.#spec.btf }),
      ...(this.#options.coreBtf && { coreBtf: this.#options.coreBtf }),
      logLevel: this.#options.logLevel ?? 0,
      ...(this.#btf && { btfFd: this.#btf.fd }),
    };
    if (this.#options.coreBtf || !this.#programs.includes(spec)) return loadProgram(spec, options);
    const prepared = this.#prepared.get(spec) ?? new PreparedProgram(spec, options);
    this.#prepared.set(spec, prepared);
    return loadPrepared(spec, options, prepared);
  }

  /** Closes the BTF and the shared maps it made; a second call does nothing. */
  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}

/**
 * Loads what all instances of a specification share. The caller owns the template. The
 * specification must not change while the template is in use.
 *
 * @example Usage
 * ```ts
 * import { type CollectionSpec, prepare } from "ebpf-ts-loader";
 * function loadEndpoints(spec: CollectionSpec, ids: number[]) {
 *   using template = prepare(spec);
 *   return ids.map((id) => template.instantiate({ variables: { config_endpoint_id: id } }));
 * }
 * ```
 */
export function prepare(spec: CollectionSpec, options: PrepareOptions = {}): Template {
  return new Template(spec, options);
}

function isPerInstance(spec: CollectionSpec, map: MapSpec): boolean {
  if (map.type === MapType.PROG_ARRAY) return map.slots.length > 0;
  if (map.contents === undefined) return false;
  const hasVariables = [...spec.variables.values()].some(({ section }) => section === map.name);
  return hasVariables || !map.frozen;
}

function selectPrograms(spec: CollectionSpec, only: readonly string[] | undefined): ProgramSpec[] {
  const all = [...spec.programs.values()];
  if (!only) return all.filter((program) => program.autoload);
  const unknown = only.find((name) => !spec.programs.has(name) && !spec.maps.has(name));
  if (unknown === undefined) return all.filter((program) => only.includes(program.name));
  throw new TypeError(
    `Cannot load program "${unknown}": not in "${spec.name}", expected one of ` +
      `${all.map((program) => program.name).join(", ")}`,
  );
}

function wantedMaps(
  spec: CollectionSpec,
  programs: readonly ProgramSpec[],
  only: readonly string[] | undefined,
): Set<string> {
  if (!only) return new Set(spec.maps.keys());
  const wanted = new Set(only.filter((name) => spec.maps.has(name)));
  for (const { references } of programs) {
    for (const { map } of references) wanted.add(map);
  }
  // A set grows while it is walked: slots may hold maps that have slots.
  for (const name of wanted) {
    for (const slot of spec.maps.get(name)?.slots ?? []) {
      if (slot.kind === "map") wanted.add(slot.name);
    }
  }
  return wanted;
}

function refuseUnknown(spec: CollectionSpec, maps: Readonly<Record<string, BpfMap>>): void {
  const unknown = Object.keys(maps).find((name) => !spec.maps.has(name));
  if (unknown === undefined) return;
  throw new TypeError(
    `Cannot replace map "${unknown}": not in "${spec.name}", expected one of ` +
      `${[...spec.maps.keys()].join(", ") || "none"}`,
  );
}

function refuseForeignOrder(spec: CollectionSpec): void {
  // Deno runs on little-endian machines only.
  if (spec.byteOrder === "little") return;
  throw new NotSupportedError("load", spec.name, `a ${spec.byteOrder}-endian object`);
}

function patchContents(
  spec: CollectionSpec,
  variables: Readonly<Record<string, VariableValue>>,
): Map<string, MapSpec> {
  const patched = new Map<string, MapSpec>();
  for (const [name, value] of Object.entries(variables)) {
    const variable = requireVariable(spec, name);
    const original = spec.maps.get(variable.section);
    if (!original) continue;
    const map = patched.get(original.name) ?? cloneMap(original);
    map.contents?.set(encodeVariable(variable, value, spec), variable.offset);
    patched.set(original.name, map);
  }
  return patched;
}

/** The variables whose section's map was made, by name; mapped only when used. */
function liveVariables(
  spec: CollectionSpec,
  maps: ReadonlyMap<string, BpfMap>,
): Map<string, Variable> {
  const live = new Map<string, Variable>();
  for (const [name, variable] of spec.variables) {
    const map = maps.get(variable.section);
    if (!map) continue;
    const readOnly = spec.maps.get(variable.section)?.frozen ?? false;
    live.set(name, new Variable(variable, { map, types: spec, readOnly }));
  }
  return live;
}

function fillMapSlots(
  spec: MapSpec,
  maps: ReadonlyMap<string, BpfMap>,
  given: Readonly<Record<string, BpfMap>>,
): void {
  // What comes from outside is already filled by its owner.
  if (!isMapOfMaps(spec.type) || Object.hasOwn(given, spec.name)) return;
  for (const { index, name } of spec.slots) {
    const inner = maps.get(name);
    if (inner) maps.get(spec.name)?.updateSlot(index, inner);
  }
}

function fillProgramSlots(
  spec: MapSpec,
  maps: ReadonlyMap<string, BpfMap>,
  programs: ReadonlyMap<string, BpfProgram>,
): void {
  if (spec.type !== MapType.PROG_ARRAY) return;
  for (const { index, name } of spec.slots) {
    // A program left out by `only` leaves its slot empty: a tail call falls through.
    const program = programs.get(name);
    if (program) maps.get(spec.name)?.updateSlot(index, program);
  }
}
