import { ByteReader } from "../_reader.ts";
import type { BtfMember, BtfType } from "./types.ts";

const MAGIC = 0xeb9f;
const HEADER_SIZE = 24;
const COMMON_SIZE = 12;
// KSYM_NAME_LEN, the kernel's own limit of a BTF name.
const NAME_LIMIT = 512;

/** Where the parts of a BTF blob lie. */
export interface DecodedBtf {
  types: BtfType[];
  /** Byte offset of each type's record, by id. */
  offsets: number[];
  strings: ByteReader;
}

/** Decodes the records; checks sizes and that ids and strings are in range, not their meaning. */
export function decodeBtf(bytes: Uint8Array<ArrayBuffer>, subject: string): DecodedBtf {
  const reader = new ByteReader(bytes, subject);
  if (reader.length < HEADER_SIZE) {
    throw reader.error(`${reader.length} bytes`, `a BTF header of ${HEADER_SIZE}`);
  }
  const magic = reader.u16(0, "magic");
  if (magic !== MAGIC) {
    throw reader.error(`magic 0x${magic.toString(16)}`, "BTF (0xeb9f)");
  }
  const version = reader.u8(2, "version");
  if (version !== 1) throw reader.error(`version ${version}`, "1");
  const headerLength = reader.u32(4, "header length");
  if (headerLength < HEADER_SIZE) {
    throw reader.error(`a header of ${headerLength} bytes`, `at least ${HEADER_SIZE}`);
  }
  const typesAt = headerLength + reader.u32(8, "types offset");
  const types = reader.slice(typesAt, reader.u32(12, "types length"), "types");
  const stringsAt = headerLength + reader.u32(16, "strings offset");
  const strings = reader.slice(stringsAt, reader.u32(20, "strings length"), "strings");
  if (strings.length === 0 || strings[0] !== 0 || strings.at(-1) !== 0) {
    throw reader.error("strings without NUL at both ends", "a NUL first and last");
  }
  const decoder = new TypeDecoder(
    new ByteReader(types, `${subject} types`),
    new ByteReader(strings, `${subject} strings`),
  );
  const decoded = decoder.decode();
  return {
    types: decoded.types,
    offsets: decoded.offsets.map((offset) => offset + typesAt),
    strings: new ByteReader(strings, `${subject} strings`),
  };
}

class TypeDecoder {
  readonly #reader: ByteReader;
  readonly #strings: ByteReader;
  readonly #names = new Map<number, string>();
  #at = 0;
  #highestReference = 0;

  constructor(reader: ByteReader, strings: ByteReader) {
    this.#reader = reader;
    this.#strings = strings;
  }

  decode(): { types: BtfType[]; offsets: number[] } {
    const types: BtfType[] = [{ id: 0, kind: "void" }];
    const offsets = [0];
    while (this.#at < this.#reader.length) {
      offsets.push(this.#at);
      types.push(this.#type(types.length));
    }
    if (this.#highestReference >= types.length) {
      throw this.#reader.error(
        `a reference to type ${this.#highestReference}`,
        `below ${types.length}`,
      );
    }
    return { types, offsets };
  }

  #name(offset: number): string {
    let name = this.#names.get(offset);
    if (name === undefined) {
      name = this.#strings.string(offset, NAME_LIMIT, "name");
      this.#names.set(offset, name);
    }
    return name;
  }

  #reference(id: number): number {
    if (id > this.#highestReference) this.#highestReference = id;
    return id;
  }

  /** Reads the next 32-bit word. */
  #word(what: string): number {
    const value = this.#reader.u32(this.#at, what);
    this.#at += 4;
    return value;
  }

  #list<T>(count: number, wordsEach: number, read: () => T): T[] {
    // Checked before the loop, so that a huge count ends at once.
    this.#reader.slice(this.#at, count * wordsEach * 4, "type entries");
    return Array.from({ length: count }, read);
  }

  #type(id: number): BtfType {
    const at = this.#at;
    this.#reader.slice(at, COMMON_SIZE, `type ${id}`);
    const name = this.#name(this.#word("name"));
    const info = this.#word("info");
    const third = this.#word("size or type");
    const count = info & 0xffff;
    const flag = info >>> 31 === 1;
    const kind = (info >>> 24) & 0x1f;
    switch (kind) {
      case 1:
        return this.#int(id, name, third);
      case 2:
        return { id, kind: "pointer", type: this.#reference(third) };
      case 3: {
        const type = this.#reference(this.#word("element type"));
        const indexType = this.#reference(this.#word("index type"));
        return { id, kind: "array", type, indexType, count: this.#word("element count") };
      }
      case 4:
      case 5: {
        const members = this.#list(count, 3, () => this.#member(flag));
        return { id, kind: kind === 4 ? "struct" : "union", name, size: third, members };
      }
      case 6: {
        const values = this.#list(count, 2, () => ({
          name: this.#name(this.#word("enumerator")),
          value: flag ? this.#word("value") | 0 : this.#word("value"),
        }));
        return { id, kind: "enum", name, size: third, signed: flag, values };
      }
      case 7:
        return { id, kind: "forward", name, of: flag ? "union" : "struct" };
      case 8:
        return { id, kind: "typedef", name, type: this.#reference(third) };
      case 9:
        return { id, kind: "volatile", name, type: this.#reference(third) };
      case 10:
        return { id, kind: "const", name, type: this.#reference(third) };
      case 11:
        return { id, kind: "restrict", name, type: this.#reference(third) };
      case 12:
        return { id, kind: "function", name, type: this.#reference(third), linkage: count };
      case 13: {
        const parameters = this.#list(count, 2, () => ({
          name: this.#name(this.#word("parameter")),
          type: this.#reference(this.#word("parameter type")),
        }));
        return { id, kind: "prototype", returnType: this.#reference(third), parameters };
      }
      case 14: {
        const type = this.#reference(third);
        return { id, kind: "variable", name, type, linkage: this.#word("linkage") };
      }
      case 15: {
        const variables = this.#list(count, 3, () => ({
          type: this.#reference(this.#word("variable")),
          offset: this.#word("variable offset"),
          size: this.#word("variable size"),
        }));
        return { id, kind: "dataSection", name, size: third, variables };
      }
      case 16:
        return { id, kind: "float", name, size: third };
      case 17: {
        const type = this.#reference(third);
        return { id, kind: "declTag", name, type, component: this.#word("component") | 0 };
      }
      case 18:
        return { id, kind: "typeTag", name, type: this.#reference(third) };
      case 19: {
        const values = this.#list(count, 3, () => this.#enumerator64(flag));
        return { id, kind: "enum64", name, size: third, signed: flag, values };
      }
      default:
        throw this.#reader.error(`type ${id} of kind ${kind}`, "a kind from 1 to 19");
    }
  }

  #int(id: number, name: string, size: number): BtfType {
    const encoding = this.#word("integer encoding");
    const bits = encoding & 0xff;
    const flags = encoding >>> 24;
    if (size === 0 || size > 16 || bits > size * 8) {
      throw this.#reader.error(`integer ${id} of ${size} bytes, ${bits} bits`, "1 to 16 bytes");
    }
    const [signed, char, bool] = [(flags & 1) !== 0, (flags & 2) !== 0, (flags & 4) !== 0];
    return { id, kind: "int", name, size, bits, signed, char, bool };
  }

  #member(bitfields: boolean): BtfMember {
    const name = this.#name(this.#word("member"));
    const type = this.#reference(this.#word("member type"));
    const offset = this.#word("member offset");
    return bitfields
      ? { name, type, bitOffset: offset & 0xffffff, bitfieldSize: offset >>> 24 }
      : { name, type, bitOffset: offset, bitfieldSize: 0 };
  }

  #enumerator64(signed: boolean): { name: string; value: bigint } {
    const name = this.#name(this.#word("enumerator"));
    const low = BigInt(this.#word("value"));
    const value = low | (BigInt(this.#word("value")) << 32n);
    return { name, value: signed ? BigInt.asIntN(64, value) : value };
  }
}
