import type { Btf } from "../btf/btf.ts";
import { typesAreCompatible } from "../core/type_match.ts";
import { essentialName } from "../core/types.ts";
import { NotSupportedError } from "../errors.ts";
import type { CollectionSpec, ExternSpec, ProgramSpec } from "../spec/collection_spec.ts";
import { readKernelText } from "./_kernel_files.ts";
import { kernelTypes } from "./kernel_types.ts";

/**
 * Where the kernel has a symbol: an address that the verifier treats as a number, or a type id of
 * the kernel's BTF that it checks; `missing` is a weak symbol that the kernel does not have.
 */
export type KernelSymbol =
  | { readonly kind: "address"; readonly address: bigint }
  | { readonly kind: "btf"; readonly id: number }
  | { readonly kind: "missing"; readonly ordinal: number };

/**
 * Finds the kernel symbols that programs refer to: untyped ones in /proc/kallsyms, variables and
 * functions in the kernel's BTF, where their type must agree. Throws {@linkcode NotSupportedError}
 * for one that is neither there nor weak.
 *
 * @example Usage
 * ```ts
 * import { loadProgram, parseObject, resolveExterns } from "ebpf-ts-loader";
 * async function callKernelFunction(path: string): Promise<number> {
 *   const spec = parseObject(await Deno.readFile(path), path);
 *   const program = spec.programs.get("kfunc");
 *   if (!program) throw new TypeError("no program");
 *   const symbols = resolveExterns(spec, [program]);
 *   using loaded = loadProgram(program, { license: spec.license, symbols });
 *   return loaded.testRun({ data: new Uint8Array(64) }).returnValue;
 * }
 * ```
 */
export function resolveExterns(
  spec: CollectionSpec,
  programs: readonly Pick<ProgramSpec, "externs">[],
): ReadonlyMap<string, KernelSymbol> {
  const names = new Set(programs.flatMap(({ externs }) => externs.map(({ name }) => name)));
  if (names.size === 0) return new Map();
  const wanted = [...spec.externs.values()].filter(({ name }) => names.has(name));
  const addresses = addressesOf(wanted.filter(isUntyped).map(({ name }) => name));
  const order = [...spec.externs.keys()];
  return new Map(wanted.map((extern) => {
    const { name, weak } = extern;
    const found = isUntyped(extern) ? addresses.get(name) : typed(extern, spec.btf);
    if (found) return [name, found];
    if (weak) return [name, { kind: "missing", ordinal: order.indexOf(name) }];
    const what = extern.kind === "kfunc" ? "function" : "symbol";
    const type = isUntyped(extern) ? "" : " of the declared type";
    throw new NotSupportedError("link", spec.name, `kernel ${what} "${name}"${type}`);
  }));
}

function isUntyped(extern: ExternSpec): boolean {
  return extern.kind === "ksym" && extern.typeId === 0;
}

function typed(extern: ExternSpec, btf: Btf | undefined): KernelSymbol | undefined {
  const types = kernelTypes();
  const name = essentialName(extern.name);
  const found = extern.kind === "kfunc"
    ? types.find("function", name)
    : types.find("variable", name);
  if (!found || !btf) return undefined;
  const local = { btf, id: btf.resolve(extern.typeId).id };
  const target = { btf: types, id: types.resolve(found.type).id };
  return typesAreCompatible(local, target) ? { kind: "btf", id: found.id } : undefined;
}

function addressesOf(names: readonly string[]): Map<string, KernelSymbol> {
  const found = new Map<string, KernelSymbol>();
  if (names.length === 0) return found;
  const wanted = new Set(names);
  const lines = readKernelText("/proc/kallsyms").matchAll(/^([0-9a-f]+) \S (\S+)$/gm);
  for (const [, digits = "0", name = ""] of lines) {
    if (!wanted.has(name)) continue;
    const address = BigInt(`0x${digits}`);
    const before = found.get(name);
    if (before?.kind === "address" && before.address !== address) {
      throw new NotSupportedError("link", name, "a kernel symbol with two addresses");
    }
    found.set(name, { kind: "address", address });
  }
  return found;
}
