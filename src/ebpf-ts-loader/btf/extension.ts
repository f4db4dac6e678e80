import { ByteReader } from "../_reader.ts";
import { littleEndianExtension } from "./_little_endian.ts";
import type { Btf } from "./btf.ts";

/** Bytes of one func_info, line_info and CO-RE relocation record, as the kernel takes them. */
export const RECORD_SIZE = { functions: 8, lines: 16, coreRelocations: 16 } as const;

/**
 * Records of one kind for one section: each starts with a u32 byte offset inside that section and
 * has the fixed size of {@linkcode RECORD_SIZE}; sorted by offset.
 */
export type SectionRecords = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/** `.BTF.ext`: what the compiler says about the instructions. */
export interface BtfExtension {
  readonly functions: SectionRecords;
  readonly lines: SectionRecords;
  readonly coreRelocations: SectionRecords;
}

/** Stands in for an object without `.BTF.ext`. */
export const NO_EXTENSION: BtfExtension = {
  functions: new Map(),
  lines: new Map(),
  coreRelocations: new Map(),
};

const MAGIC = 0xeb9f;
const HEADER_SIZE = 24;

/** Parses `.BTF.ext` of either byte order, whose strings are those of `btf`. */
export function parseBtfExtension(
  bytes: Uint8Array<ArrayBuffer>,
  btf: Btf,
  subject: string,
): BtfExtension {
  const reader = new ByteReader(littleEndianExtension(bytes), subject);
  const magic = reader.u16(0, "magic");
  if (magic !== MAGIC) throw reader.error(`magic 0x${magic.toString(16)}`, "0xeb9f");
  const headerLength = reader.u32(4, "header length");
  if (headerLength < HEADER_SIZE) {
    throw reader.error(`a header of ${headerLength} bytes`, `at least ${HEADER_SIZE}`);
  }
  const table = (at: number, name: string) => {
    const offset = headerLength + reader.u32(at, `${name} offset`);
    const length = reader.u32(at + 4, `${name} length`);
    return new ByteReader(reader.slice(offset, length, name), `${subject} ${name}`);
  };
  // The CO-RE part came later: older headers end before it.
  const hasCore = headerLength >= HEADER_SIZE + 8;
  return {
    functions: readRecords(table(8, "func_info"), btf, RECORD_SIZE.functions),
    lines: readRecords(table(16, "line_info"), btf, RECORD_SIZE.lines),
    coreRelocations: hasCore
      ? readRecords(table(24, "core_relos"), btf, RECORD_SIZE.coreRelocations)
      : new Map(),
  };
}

function readRecords(reader: ByteReader, btf: Btf, size: number): SectionRecords {
  const sections = new Map<string, Uint8Array<ArrayBuffer>>();
  if (reader.length === 0) return sections;
  const stride = reader.u32(0, "record size");
  if (stride < size || stride % 4 !== 0) {
    throw reader.error(`records of ${stride} bytes`, `at least ${size}, a multiple of 4`);
  }
  let at = 4;
  while (at < reader.length) {
    const name = btf.string(reader.u32(at, "section name"));
    const count = reader.u32(at + 4, "record count");
    const body = reader.slice(at + 8, count * stride, `records of "${name}"`);
    if (sections.has(name)) throw reader.error(`section "${name}" twice`, "once");
    sections.set(name, sorted(body, { count, stride, size }));
    at += 8 + count * stride;
  }
  return sections;
}

function sorted(
  body: Uint8Array<ArrayBuffer>,
  { count, stride, size }: { count: number; stride: number; size: number },
): Uint8Array<ArrayBuffer> {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const order = Array.from({ length: count }, (_, index) => index * stride)
    .sort((a, b) => view.getUint32(a, true) - view.getUint32(b, true));
  const records = new Uint8Array(count * size);
  order.forEach((from, index) => records.set(body.subarray(from, from + size), index * size));
  return records;
}
