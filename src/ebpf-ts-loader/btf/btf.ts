import type { ByteOrder } from "../_reader.ts";
import { ObjectFormatError } from "../errors.ts";
import { refuseCycles } from "./_cycles.ts";
import { decodeBtf, type DecodedBtf } from "./_decode.ts";
import { littleEndianBtf } from "./_little_endian.ts";
import type { MemberLayout, StructLayout, TypeLayout } from "./layout.ts";
import type { BtfComposite, BtfKind, BtfMember, BtfModifier, BtfType, BtfTypeOf } from "./types.ts";

const POINTER_SIZE = 8;
// Like the kernel's MAX_RESOLVE_DEPTH.
const MAX_DEPTH = 32;

/**
 * BPF Type Format of one object: its types, and the layout of each struct. Immutable; needs no
 * kernel.
 *
 * @example Usage
 * ```ts
 * import { parseObject } from "ebpf-ts-loader";
 * import { assertEquals } from "@std/assert";
 * const { btf } = parseObject(await Deno.readFile("tests/ebpf-ts-loader/fixtures/tc.bpf.o"));
 * const [address, port] = btf?.structLayout("key").members ?? [];
 * assertEquals([address?.name, address?.offset, address?.type.typedefs[0]], ["address", 0, "__be32"]);
 * assertEquals([port?.name, port?.offset, port?.bitSize], ["port", 4, 16]);
 * ```
 */
export class Btf {
  /** The blob as parsed (a copy), in little-endian order whatever it came in. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The order of the blob that was parsed, and so of the data that its types describe. */
  readonly byteOrder: ByteOrder;
  /** Types by id; index 0 is void. */
  readonly types: readonly BtfType[];
  readonly #decoded: DecodedBtf;
  readonly #subject: string;
  readonly #layouts = new Map<number, TypeLayout>();
  #byName: Map<string, BtfType[]> | undefined;
  #tags: Map<number, string[]> | undefined;

  /**
   * Parses a BTF blob of either byte order (`.BTF` section, /sys/kernel/btf/vmlinux). Throws
   * {@linkcode ObjectFormatError} for what is truncated, out of range or cyclic.
   */
  constructor(bytes: Uint8Array<ArrayBuffer>, subject = "BTF") {
    const { bytes: little, byteOrder } = littleEndianBtf(bytes);
    this.bytes = little;
    this.byteOrder = byteOrder;
    this.#subject = subject;
    this.#decoded = decodeBtf(this.bytes, subject);
    this.types = this.#decoded.types;
    refuseCycles(this.types, subject);
  }

  /** The type with an id. Throws {@linkcode ObjectFormatError} if there is none. */
  type(id: number): BtfType {
    const type = this.types[id];
    if (type) return type;
    throw new ObjectFormatError(this.#subject, `type ${id}`, `an id below ${this.types.length}`);
  }

  /** A string of the BTF's string table; .BTF.ext refers to it too. */
  string(offset: number): string {
    return this.#decoded.strings.string(offset, 4096, "string");
  }

  /** Byte offset of a type's record inside {@linkcode Btf.bytes}. */
  recordOffset(id: number): number {
    this.type(id);
    return this.#decoded.offsets[id] ?? 0;
  }

  /** The first type of a kind with a name, or undefined. */
  find<K extends BtfKind>(kind: K, name: string): BtfTypeOf<K> | undefined {
    this.#byName ??= indexByName(this.types);
    const found = this.#byName.get(name)?.find((type) => type.kind === kind);
    return found as BtfTypeOf<K> | undefined;
  }

  /** Every type of a kind, in id order. */
  *ofKind<K extends BtfKind>(kind: K): Generator<BtfTypeOf<K>> {
    for (const type of this.types) {
      if (type.kind === kind) yield type as BtfTypeOf<K>;
    }
  }

  /** Texts of the `btf_decl_tag` attributes of a whole type, variable or function. */
  tagsOf(id: number): string[] {
    this.#tags ??= indexTags(this.types);
    return [...this.#tags.get(id) ?? []];
  }

  /** Strips typedefs, qualifiers and type tags. */
  resolve(id: number): BtfType {
    return this.#unwrap(id).type;
  }

  /** Size of a type in bytes; void, functions and forward declarations have none and throw. */
  sizeOf(id: number): number {
    return this.layout(id).size;
  }

  /**
   * The layout of the struct (or union) with a name; also found through a typedef of that name.
   * Throws {@linkcode ObjectFormatError} if the BTF has none.
   */
  structLayout(name: string): StructLayout {
    const type = this.find("struct", name) ?? this.find("union", name) ??
      this.find("typedef", name);
    const layout = type && this.layout(type.id);
    if (layout?.kind === "struct" || layout?.kind === "union") return layout;
    throw new ObjectFormatError(this.#subject, `struct "${name}" not found`, "its definition");
  }

  /**
   * All enumerators of all enums (anonymous ones too) by name: the constants of a header. A name
   * used twice keeps its first value.
   */
  enumerators(): Map<string, number | bigint> {
    const constants = new Map<string, number | bigint>();
    for (const type of this.types) {
      if (type.kind !== "enum" && type.kind !== "enum64") continue;
      for (const { name, value } of type.values) {
        if (!constants.has(name)) constants.set(name, value);
      }
    }
    return constants;
  }

  /** The layout of any type that has a size. */
  layout(id: number): TypeLayout {
    return this.#layout(id, 0);
  }

  #layout(id: number, depth: number): TypeLayout {
    const known = this.#layouts.get(id);
    if (known) return known;
    if (depth > MAX_DEPTH) {
      throw new ObjectFormatError(this.#subject, `type ${id} nested deeper than ${depth}`, "less");
    }
    const { type, typedefs } = this.#unwrap(id);
    const base = type.id === id ? this.#describe(type, depth) : this.#layout(type.id, depth + 1);
    const layout = typedefs.length === 0 ? base : { ...base, typedefs };
    this.#layouts.set(id, layout);
    return layout;
  }

  /** The layout of a type that is no typedef or qualifier. */
  #describe(type: BtfType, depth: number): TypeLayout {
    const typedefs: string[] = [];
    switch (type.kind) {
      case "int": {
        const { name, size, signed, char, bool } = type;
        return { kind: "int", name, size, signed, char, bool, typedefs };
      }
      case "float":
        return { kind: "float", name: type.name, size: type.size, typedefs };
      case "enum":
      case "enum64": {
        const { name, size, signed, values } = type;
        return { kind: "enum", name, size, signed, values, typedefs };
      }
      case "pointer":
        return { kind: "pointer", size: POINTER_SIZE, typedefs };
      case "array": {
        const element = this.#layout(type.type, depth + 1);
        const size = element.size * type.count;
        this.#checkSize(type.id, size);
        return { kind: "array", size, count: type.count, element, typedefs };
      }
      case "struct":
      case "union": {
        const members = type.members.map((member) => this.#member(type, member, depth));
        return { kind: type.kind, name: type.name, size: type.size, members, typedefs };
      }
      default:
        throw new ObjectFormatError(
          this.#subject,
          `type ${type.id} is of kind ${type.kind}`,
          "a type with a size",
        );
    }
  }

  #unwrap(id: number): { type: BtfType; typedefs: string[] } {
    const typedefs: string[] = [];
    let type = this.type(id);
    for (let depth = 0; depth <= MAX_DEPTH; depth++) {
      if (!isModifier(type)) return { type, typedefs };
      if (type.kind === "typedef") typedefs.push(type.name);
      type = this.type(type.type);
    }
    throw new ObjectFormatError(
      this.#subject,
      `type ${id} behind more than ${MAX_DEPTH} typedefs and qualifiers`,
      "fewer",
    );
  }

  #member(owner: BtfComposite, member: BtfMember, depth: number): MemberLayout {
    const type = this.#layout(member.type, depth + 1);
    const bitfield = member.bitfieldSize > 0;
    const bitSize = bitfield ? member.bitfieldSize : type.size * 8;
    if (member.bitOffset + bitSize > owner.size * 8 || (!bitfield && member.bitOffset % 8 !== 0)) {
      throw new ObjectFormatError(
        this.#subject,
        `member "${owner.name}.${member.name}" at bit ${member.bitOffset} + ${bitSize}`,
        `whole bytes inside ${owner.size} bytes`,
      );
    }
    const unit = Math.max(type.size, 1) * 8;
    const offset = bitfield ? Math.floor(member.bitOffset / unit) * unit / 8 : member.bitOffset / 8;
    return { name: member.name, offset, bitOffset: member.bitOffset, bitSize, bitfield, type };
  }

  #checkSize(id: number, size: number): void {
    if (size <= 0xffffffff) return;
    throw new ObjectFormatError(this.#subject, `type ${id} of ${size} bytes`, "below 2^32");
  }
}

function isModifier(type: BtfType): type is BtfModifier {
  return type.kind === "typedef" || type.kind === "const" || type.kind === "volatile" ||
    type.kind === "restrict" || type.kind === "typeTag";
}

function indexTags(types: readonly BtfType[]): Map<number, string[]> {
  const index = new Map<number, string[]>();
  for (const type of types) {
    if (type.kind !== "declTag" || type.component !== -1) continue;
    const list = index.get(type.type);
    if (list) list.push(type.name);
    else index.set(type.type, [type.name]);
  }
  return index;
}

function indexByName(types: readonly BtfType[]): Map<string, BtfType[]> {
  const index = new Map<string, BtfType[]>();
  for (const type of types) {
    if (!("name" in type) || type.name === "") continue;
    const list = index.get(type.name);
    if (list) list.push(type);
    else index.set(type.name, [type]);
  }
  return index;
}
