import type { Btf } from "./btf.ts";
import type { BtfEnum64, BtfType } from "./types.ts";

// Kinds of BTF; see include/uapi/linux/btf.h.
const KIND = { INT: 1, STRUCT: 4, UNION: 5, CONST: 10 } as const;
const COMMON_SIZE = 12;
const MEMBER_SIZE = 12;
const ONE_BYTE_INT = 8;

/**
 * A copy of BTF with the kinds that kernels before 6.0 do not know put into older words of the same
 * length, so that ids and offsets stay: 64-bit enums (6.0) become unions, type tags (5.17) `const`,
 * declaration tags (5.16) unused integers, floats (5.13) empty structs. Sizes stay, and with them
 * the layout of everything; what the kernel shows to people gets poorer. `bytes` are the BTF to
 * change, with the same records as `btf`.
 */
export function forOlderKernels(
  btf: Btf,
  bytes: Uint8Array<ArrayBuffer> = btf.bytes,
): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  for (const type of btf.types) rewrite(view, btf, type);
  return copy;
}

function rewrite(view: DataView, btf: Btf, type: BtfType): void {
  const at = btf.recordOffset(type.id);
  switch (type.kind) {
    case "declTag":
      setInfo(view, at, KIND.INT, 0);
      view.setUint32(at + 8, 1, true);
      view.setUint32(at + COMMON_SIZE, ONE_BYTE_INT, true);
      return;
    case "typeTag":
      // Qualifiers have no name.
      view.setUint32(at, 0, true);
      setInfo(view, at, KIND.CONST, 0);
      return;
    case "float":
      setInfo(view, at, KIND.STRUCT, 0);
      return;
    case "enum64":
      rewriteEnum(view, btf, type);
  }
}

function setInfo(view: DataView, at: number, kind: number, count: number): void {
  view.setUint32(at + 4, kind << 24 | count, true);
}

/** Enumerators and members are equally long; each becomes a member that overlaps the others. */
function rewriteEnum(view: DataView, btf: Btf, { id, size, values }: BtfEnum64): void {
  const at = btf.recordOffset(id);
  const int = smallestInt(btf, size);
  // Without any integer there is nothing to make members of: left for the kernel to refuse.
  if (int === undefined) return;
  setInfo(view, at, KIND.UNION, values.length);
  values.forEach((_, index) => {
    const member = at + COMMON_SIZE + index * MEMBER_SIZE;
    view.setUint32(member + 4, int, true);
    view.setUint32(member + 8, 0, true);
  });
}

function smallestInt(btf: Btf, size: number): number | undefined {
  for (const type of btf.ofKind("int")) {
    if (type.size <= size) return type.id;
  }
  return undefined;
}
