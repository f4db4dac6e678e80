import { didYouMean } from "../_nearest.ts";
import type { Btf } from "../btf/btf.ts";
import type { TypeLayout } from "../btf/layout.ts";
import { type BtfValue, decodeValue, encodeValue } from "../btf/value.ts";
import type { ByteOrder } from "../elf/elf_file.ts";
import type { CollectionSpec, VariableSpec } from "./collection_spec.ts";

/** What a variable may be set to: a value of its type, or raw bytes. See {@linkcode BtfValue}. */
export type VariableValue = BtfValue;

/**
 * Sets the initial value of a global variable before loading; a `const volatile` one becomes a
 * constant the verifier knows. Integers are written in the object's byte order: give bytes for
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
  contents.set(encodeVariable(variable, value, spec), variable.offset);
}

/**
 * The bytes of a variable's initial value (a copy). Throws `TypeError` for an unknown name.
 *
 * @example Usage
 * ```ts
 * import { getVariable, parseObject } from "ebpf-ts-loader";
 * import { assertEquals } from "@std/assert";
 * const spec = parseObject(await Deno.readFile("tests/ebpf-ts-loader/fixtures/tc.bpf.o"));
 * assertEquals(getVariable(spec, "config_enabled"), new Uint8Array([1]));
 * ```
 */
export function getVariable(spec: CollectionSpec, name: string): Uint8Array<ArrayBuffer> {
  const { variable, contents } = locate(spec, name);
  return contents.slice(variable.offset, variable.offset + variable.size);
}

/**
 * The initial value of a variable by its type; its bytes if the object has no type for it. Throws
 * `TypeError` for an unknown name.
 *
 * @example Usage
 * ```ts
 * import { parseObject, variableValue } from "ebpf-ts-loader";
 * import { assertEquals } from "@std/assert";
 * const spec = parseObject(await Deno.readFile("tests/ebpf-ts-loader/fixtures/tc.bpf.o"));
 * assertEquals(variableValue(spec, "config_endpoint_id"), 1);
 * assertEquals(variableValue(spec, "config_enabled"), true);
 * assertEquals(variableValue(spec, "total"), 5n);
 * ```
 */
export function variableValue(spec: CollectionSpec, name: string): VariableValue {
  return decodeVariable(locate(spec, name).variable, getVariable(spec, name), spec);
}

/** The variable of a name. Throws `TypeError` with the nearest name there is. */
export function requireVariable(spec: CollectionSpec, name: string): VariableSpec {
  const variable = spec.variables.get(name);
  if (variable) return variable;
  const known = [...spec.variables.keys()];
  throw new TypeError(
    `Cannot find variable "${name}": not in "${spec.name}"${didYouMean(name, known)}, ` +
      `expected one of ${known.join(", ") || "none"}`,
  );
}

function locate(
  spec: CollectionSpec,
  name: string,
): { variable: VariableSpec; contents: Uint8Array<ArrayBuffer> } {
  const variable = requireVariable(spec, name);
  const contents = spec.maps.get(variable.section)?.contents;
  if (contents) return { variable, contents };
  throw new TypeError(
    `Cannot find variable "${name}": no map "${variable.section}" in "${spec.name}", expected one`,
  );
}

/** What the type of a variable is read from. */
export interface VariableTypes {
  readonly btf: Btf | undefined;
  readonly byteOrder: ByteOrder;
}

/** The bytes of `value` for a variable; validates shape and range. */
export function encodeVariable(
  variable: VariableSpec,
  value: VariableValue,
  { btf, byteOrder }: VariableTypes,
): Uint8Array<ArrayBuffer> {
  const { name, size } = variable;
  const context = { action: "set variable", subject: name, byteOrder };
  const layout = variableLayout(variable, btf);
  if (layout && !(value instanceof Uint8Array)) {
    return withSize(encodeValue(layout, value, context), size);
  }
  if (value instanceof Uint8Array) {
    if (value.length === size) return value.slice();
    throw new RangeError(
      `Cannot set variable "${name}": ${value.length} bytes, expected ${size}`,
    );
  }
  if (![1, 2, 4, 8].includes(size)) {
    throw new TypeError(
      `Cannot set variable "${name}": a ${typeof value}, expected a Uint8Array of ${size} bytes`,
    );
  }
  // Without a type either sign will do.
  const signed = (typeof value === "number" || typeof value === "bigint") && value < 0;
  return encodeValue(integerLayout(size, signed), value, context);
}

/** A variable's symbol may be longer than its type: a flexible array at its end. */
function withSize(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
  if (bytes.length === size) return bytes;
  const whole = new Uint8Array(size);
  whole.set(bytes);
  return whole;
}

/** The value of a variable's bytes. */
export function decodeVariable(
  variable: VariableSpec,
  bytes: Uint8Array<ArrayBuffer>,
  { btf, byteOrder }: VariableTypes,
): VariableValue {
  const layout = variableLayout(variable, btf);
  if (!layout) return bytes.slice();
  return decodeValue(layout, bytes.subarray(0, layout.size), {
    subject: variable.name,
    byteOrder,
  });
}

function variableLayout({ typeId }: VariableSpec, btf: Btf | undefined): TypeLayout | undefined {
  return typeId === 0 ? undefined : btf?.layout(typeId);
}

function integerLayout(size: number, signed: boolean): TypeLayout {
  return { kind: "int", name: "", size, signed, char: false, bool: false, typedefs: [] };
}
