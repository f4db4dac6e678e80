/** Offset and size of a section of an ELF64 file. */
function sectionOf(file: Uint8Array, wanted: string): { offset: number; size: number } {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const headers = Number(view.getBigUint64(0x28, true));
  const size = view.getUint16(0x3a, true);
  const count = view.getUint16(0x3c, true);
  const header = (i: number) => headers + i * size;
  const at = (i: number) => Number(view.getBigUint64(header(i) + 0x18, true));
  const names = at(view.getUint16(0x3e, true));
  for (let i = 0; i < count; i++) {
    const start = names + view.getUint32(header(i), true);
    const name = new TextDecoder().decode(file.subarray(start, file.indexOf(0, start)));
    if (name !== wanted) continue;
    return { offset: at(i), size: Number(view.getBigUint64(header(i) + 0x20, true)) };
  }
  throw new RangeError(`Cannot find section "${wanted}": absent, expected an object with it`);
}

const KIND = { INT: 1, ARRAY: 3, STRUCT: 4, UNION: 5, ENUM: 6, TYPEDEF: 8, FUNC_PROTO: 13 };
const VAR = 14;
const DATASEC = 15;
const DECL_TAG = 17;
const ENUM64 = 19;

/** Bytes behind the 12 bytes that every type has. */
function extraBytes(kind: number, members: number): number {
  if (kind === KIND.INT || kind === VAR || kind === DECL_TAG) return 4;
  if (kind === KIND.ARRAY) return 12;
  if ([KIND.STRUCT, KIND.UNION, DATASEC, ENUM64].includes(kind)) return members * 12;
  if (kind === KIND.ENUM || kind === KIND.FUNC_PROTO) return members * 8;
  return 0;
}

/** A copy of a BPF object whose first typedef names itself. */
export function withCyclicType(object: Uint8Array): Uint8Array {
  const copy = object.slice();
  const view = new DataView(copy.buffer);
  const { offset } = sectionOf(copy, ".BTF");
  const types = offset + view.getUint32(offset + 4, true) + view.getUint32(offset + 8, true);
  let id = 1;
  for (let at = types;; id++) {
    const info = view.getUint32(at + 4, true);
    const kind = info >>> 24 & 31;
    if (kind === KIND.TYPEDEF) {
      view.setUint32(at + 8, id, true);
      return copy;
    }
    at += 12 + extraBytes(kind, info & 0xffff);
  }
}
