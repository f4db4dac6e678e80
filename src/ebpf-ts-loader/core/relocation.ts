import { RECORD_SIZE } from "../btf/extension.ts";
import type { Btf } from "../btf/btf.ts";
import type { BtfType } from "../btf/types.ts";
import { ObjectFormatError } from "../errors.ts";

/**
 * What a CO-RE relocation asks about a type of the kernel; see `enum bpf_core_relo_kind` in
 * linux/bpf.h.
 *
 * @example Usage
 * ```ts
 * import { CoreKind } from "ebpf-ts-loader";
 * import { assertEquals } from "@std/assert";
 * assertEquals(CoreKind.FIELD_EXISTS, 2);
 * ```
 */
export const CoreKind = {
  FIELD_BYTE_OFFSET: 0,
  FIELD_BYTE_SIZE: 1,
  FIELD_EXISTS: 2,
  FIELD_SIGNED: 3,
  FIELD_LSHIFT_U64: 4,
  FIELD_RSHIFT_U64: 5,
  TYPE_ID_LOCAL: 6,
  TYPE_ID_TARGET: 7,
  TYPE_EXISTS: 8,
  TYPE_SIZE: 9,
  ENUMVAL_EXISTS: 10,
  ENUMVAL_VALUE: 11,
  TYPE_MATCHES: 12,
} as const;

const QUESTIONS: readonly string[] = [
  "byte offset",
  "byte size",
  "existence",
  "signedness",
  "left shift",
  "right shift",
  "local type id",
  "type id",
  "existence",
  "size",
  "existence",
  "value",
  "match",
];

/** True for relocations about a field of a struct or an element of an array. */
export function isFieldKind(kind: number): boolean {
  return kind <= CoreKind.FIELD_RSHIFT_U64;
}

/** True for relocations about a value of an enum. */
export function isEnumKind(kind: number): boolean {
  return kind === CoreKind.ENUMVAL_EXISTS || kind === CoreKind.ENUMVAL_VALUE;
}

/** One relocation: which instruction asks what about which type of the object's BTF. */
export interface CoreRelocation {
  /** Index of the instruction inside the program. */
  readonly instruction: number;
  /** See {@linkcode CoreKind}. */
  readonly kind: number;
  /** BTF type id in the object. */
  readonly typeId: number;
  /** Indexes from the type to the field or enumerator: [0, 3, 1] is `p[0].third.second`. */
  readonly path: readonly number[];
}

const INSTRUCTION_SIZE = 8;
/** Indexes in a path at most; as in the kernel. */
export const MAX_PATH = 64;

/**
 * Decodes the CO-RE records of a program. Throws {@linkcode ObjectFormatError} for a kind nobody
 * knows and for paths that are no list of numbers.
 *
 * @example Usage
 * ```ts
 * import { coreRelocations, describeRelocation, parseObject } from "ebpf-ts-loader";
 * import { assertEquals } from "@std/assert";
 * const spec = parseObject(await Deno.readFile("tests/ebpf-ts-loader/fixtures/core.bpf.o"));
 * const program = spec.programs.get("ifindex_offset");
 * const [first] = spec.btf && program ? coreRelocations(program.coreRelocations, spec.btf) : [];
 * assertEquals(first?.path, [0, 1]);
 * assertEquals(
 *   first && spec.btf && describeRelocation(first, spec.btf),
 *   "byte offset of struct net_device.ifindex",
 * );
 * ```
 */
export function coreRelocations(
  records: Uint8Array<ArrayBuffer>,
  btf: Btf,
): readonly CoreRelocation[] {
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  const count = Math.floor(records.length / RECORD_SIZE.coreRelocations);
  return Array.from({ length: count }, (_, index) => {
    const at = index * RECORD_SIZE.coreRelocations;
    const kind = view.getUint32(at + 12, true);
    if (kind >= QUESTIONS.length) throw malformed(index, `kind ${kind}`, "0 to 12");
    return {
      instruction: view.getUint32(at, true) / INSTRUCTION_SIZE,
      typeId: view.getUint32(at + 4, true),
      path: parsePath(btf.string(view.getUint32(at + 8, true)), index),
      kind,
    };
  });
}

function malformed(index: number, state: string, expected: string): ObjectFormatError {
  return new ObjectFormatError(`CO-RE relocation ${index}`, state, expected);
}

function parsePath(text: string, index: number): number[] {
  const parts = text.split(":", MAX_PATH + 1);
  if (parts.length <= MAX_PATH && parts.every((part) => /^\d{1,9}$/.test(part))) {
    return parts.map(Number);
  }
  throw malformed(index, `path "${text.slice(0, 80)}"`, `1 to ${MAX_PATH} numbers`);
}

/**
 * A relocation in words: `byte offset of struct task_struct.mm`. What the path cannot name (a
 * malformed one) is left out.
 *
 * @example Usage
 * ```ts
 * import { type Btf, type CoreRelocation, describeRelocation } from "ebpf-ts-loader";
 * function list(relocations: readonly CoreRelocation[], btf: Btf): string[] {
 *   return relocations.map((each) => describeRelocation(each, btf));
 * }
 * ```
 */
export function describeRelocation({ kind, typeId, path }: CoreRelocation, btf: Btf): string {
  const question = QUESTIONS[kind] ?? `kind ${kind}`;
  const type = btf.types[typeId];
  if (!type) return `${question} of type ${typeId}`;
  const name = typeName(type);
  if (isEnumKind(kind)) {
    const values = type.kind === "enum" || type.kind === "enum64" ? type.values : [];
    return `${question} of ${name} value ${values[path[0] ?? 0]?.name ?? "?"}`;
  }
  if (!isFieldKind(kind)) return `${question} of ${name}`;
  return `${question} of ${name}${fieldPath(btf, typeId, path)}`;
}

function typeName(type: BtfType): string {
  const name = "name" in type ? type.name : "";
  const kinds: Partial<Record<BtfType["kind"], string>> = {
    struct: "struct ",
    union: "union ",
    enum: "enum ",
    enum64: "enum ",
  };
  return `${kinds[type.kind] ?? ""}${name === "" ? "(anonymous)" : name}`;
}

function fieldPath(btf: Btf, root: number, [first = 0, ...rest]: readonly number[]): string {
  let text = first === 0 ? "" : `[${first}]`;
  let id = root;
  for (const index of rest) {
    const type = btf.resolve(id);
    if (type.kind === "array") {
      text += `[${index}]`;
      id = type.type;
      continue;
    }
    const member = type.kind === "struct" || type.kind === "union"
      ? type.members[index]
      : undefined;
    if (!member) return text;
    if (member.name !== "") text += `.${member.name}`;
    id = member.type;
  }
  return text;
}
