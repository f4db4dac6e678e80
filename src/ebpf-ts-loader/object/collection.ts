import { didYouMean } from "../_nearest.ts";
import type { BtfValue } from "../btf/value.ts";
import type { BpfMap } from "./bpf_map.ts";
import type { BpfProgram } from "./bpf_program.ts";
import type { Variable } from "./variable.ts";

/**
 * The maps and programs made from one specification. Closing it closes what was made for it; maps
 * given from outside, or shared by a template, stay open. Programs that are attached or pinned
 * live on in the kernel.
 *
 * @example Usage
 * ```ts
 * import { type Collection } from "ebpf-ts-loader";
 * function countersOf(collection: Collection): Uint8Array[] {
 *   collection.program("count").testRun({ data: new Uint8Array(64) });
 *   return [...collection.map("counters").entries()].map(([, value]) => value);
 * }
 * ```
 */
export class Collection implements Disposable {
  /** By name; includes those given from outside. */
  readonly maps: ReadonlyMap<string, BpfMap>;
  /** By name. */
  readonly programs: ReadonlyMap<string, BpfProgram>;
  /** Global variables by name: `using total = collection.variables.get("total")`. */
  readonly variables: ReadonlyMap<string, Variable>;
  readonly #owned: DisposableStack;

  /** Takes ownership of what `owned` holds. */
  constructor(
    maps: ReadonlyMap<string, BpfMap>,
    programs: ReadonlyMap<string, BpfProgram>,
    owned: DisposableStack,
    variables: ReadonlyMap<string, Variable> = new Map(),
  ) {
    this.maps = maps;
    this.programs = programs;
    this.variables = variables;
    this.#owned = owned;
  }

  /** The map of a name; throws `TypeError` naming those there are. */
  map(name: string): BpfMap {
    return this.maps.get(name) ?? missing("map", name, this.maps);
  }

  /** The program of a name; throws `TypeError` naming those there are. */
  program(name: string): BpfProgram {
    return this.programs.get(name) ?? missing("program", name, this.programs);
  }

  /**
   * The global variable of a name; throws `TypeError` naming those there are. Its type is the
   * caller's claim: generated modules make it from the object.
   */
  variable<T extends BtfValue = BtfValue>(name: string): Variable<T> {
    const found = this.variables.get(name) ?? missing("variable", name, this.variables);
    return found as Variable<BtfValue> as Variable<T>;
  }

  /** Closes the collection's own programs and maps; a second call does nothing. */
  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}

function missing(kind: string, name: string, known: ReadonlyMap<string, unknown>): never {
  throw new TypeError(
    `Cannot find ${kind} "${name}": not loaded${didYouMean(name, known.keys())}, ` +
      `expected one of ${[...known.keys()].join(", ") || "none"}`,
  );
}
