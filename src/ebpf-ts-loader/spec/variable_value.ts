import type { Btf } from "../btf/btf.ts";
import type { TypeLayout } from "../btf/layout.ts";
import type { CollectionSpec, VariableSpec } from "./collection_spec.ts";

/** What a variable may be set to: a number for integers, enums and bools, else raw bytes. */
export type VariableValue = number | bigint | boolean | Uint8Array;

/**
 * Sets the initial value of a global variable before loading; a `const volatile` one becomes a
 * constant the verifier knows. Integers are written in host (little-endian) order: give bytes for
 * anything in network order.
 *
 * Throws `RangeError` if the value does not fit, `TypeError` for an unknown name or wrong shape.
 *
 * @example Usage
 * ```ts
 * import { getVariable, parseObject, setVariable } from "ebpf-ts-loader";
 * import { assertEquals } from "@std/assert";
 * const spec = parseObject(await Deno.readFile("tests/ebpf-ts-loader/fixtures/tc.bpf.o"));
 * setVariable(spec, "config_endpoint_id", 7);
 * assertEquals(getVariable(spec, "config_endpoint_id"), new Uint8Array([7, 0, 0, 0]));
 * ```
 */
export function setVariable(spec: CollectionSpec, name: string, value: VariableValue): void {
  const { variable, contents } = locate(spec, name);
  contents.set(encodeVariable(variable, value, spec.btf), variable.offset);
}

/** The bytes of a variable's initial value (a copy). */
export function getVariable(spec: CollectionSpec, name: string): Uint8Array<ArrayBuffer> {
  const { variable, contents } = locate(spec, name);
  return contents.slice(variable.offset, variable.offset + variable.size);
}

function locate(
  spec: CollectionSpec,
  name: string,
): { variable: VariableSpec; contents: Uint8Array<ArrayBuffer> } {
  const variable = spec.variables.get(name);
  const contents = variable && spec.maps.get(variable.section)?.contents;
  if (variable && contents) return { variable, contents };
  throw new TypeError(
    `Cannot set variable "${name}": not in "${spec.name}", expected one of ` +
      `${[...spec.variables.keys()].join(", ") || "none"}`,
  );
}

/** The bytes of `value` for a variable; validates shape and range. */
export function encodeVariable(
  variable: VariableSpec,
  value: VariableValue,
  btf: Btf | undefined,
): Uint8Array<ArrayBuffer> {
  const { name, size } = variable;
  if (value instanceof Uint8Array) {
    if (value.length === size) return value.slice();
    throw new RangeError(
      `Cannot set variable "${name}": ${value.length} bytes, expected ${size}`,
    );
  }
  const layout = variable.typeId === 0 ? undefined : btf?.layout(variable.typeId);
  if (![1, 2, 4, 8].includes(size) || (layout && !isScalar(layout))) {
    throw new TypeError(
      `Cannot set variable "${name}": a ${typeof value}, expected a Uint8Array of ${size} bytes`,
    );
  }
  return encodeInteger(variable, value, layout);
}

function isScalar(layout: TypeLayout): boolean {
  return layout.kind === "int" || layout.kind === "enum";
}

function encodeInteger(
  { name, size }: VariableSpec,
  value: number | bigint | boolean,
  layout: TypeLayout | undefined,
): Uint8Array<ArrayBuffer> {
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    throw new RangeError(`Cannot set variable "${name}": ${value}, expected a safe integer`);
  }
  const integer = BigInt(value);
  const bits = BigInt(size * 8);
  // Without a type either sign will do.
  const signed = layout === undefined || ("signed" in layout && layout.signed);
  const unsigned = layout === undefined || !signed;
  const low = signed ? -(1n << (bits - 1n)) : 0n;
  const high = layout?.kind === "int" && layout.bool
    ? 1n
    : unsigned
    ? (1n << bits) - 1n
    : (1n << (bits - 1n)) - 1n;
  if (integer < low || integer > high) {
    throw new RangeError(
      `Cannot set variable "${name}": ${integer}, expected ${low} to ${high}`,
    );
  }
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, integer), true);
  return bytes.slice(0, size);
}
