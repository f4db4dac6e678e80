import type { Btf } from "../btf/btf.ts";
import type { BtfArray, BtfComposite, BtfType } from "../btf/types.ts";
import { ObjectFormatError } from "../errors.ts";
import { fieldsAreCompatible, typesAreCompatible, typesMatch } from "./type_match.ts";
import { essentialName, isEnum, sizeOfType } from "./types.ts";
import { CoreKind, type CoreRelocation, isEnumKind, isFieldKind } from "./relocation.ts";

/** One step of an access: into a named member, an array element or an enumerator. */
export interface Accessor {
  /** The struct that has the member, the element's type, or the enum. */
  readonly typeId: number;
  readonly index: number;
  /** Undefined for array elements. */
  readonly name: string | undefined;
}

/** How a type is accessed, in one BTF: what a relocation is about. */
export interface Access {
  readonly btf: Btf;
  readonly rootTypeId: number;
  readonly accessors: readonly Accessor[];
  /** Offset of the field from the start of the root type, in bits. */
  readonly bitOffset: number;
}

function malformed(state: string, expected: string): ObjectFormatError {
  return new ObjectFormatError("CO-RE relocation", state, expected);
}

/** The access a relocation names, in the object's own BTF. */
export function localAccess({ kind, typeId, path }: CoreRelocation, btf: Btf): Access {
  const [first = 0, ...rest] = path;
  const root = btf.resolve(btf.type(typeId).id);
  if (isEnumKind(kind)) {
    const name = isEnum(root) && "values" in root ? root.values[first]?.name : undefined;
    if (name === undefined || rest.length > 0) {
      throw malformed(`enumerator ${path.join(":")} of type ${typeId}`, "one of an enum");
    }
    const accessors = [{ typeId: root.id, index: first, name }];
    return { btf, rootTypeId: typeId, accessors, bitOffset: 0 };
  }
  if (!isFieldKind(kind)) {
    if (first !== 0 || rest.length > 0) throw malformed(`path ${path.join(":")}`, "0");
    return { btf, rootTypeId: typeId, accessors: [], bitOffset: 0 };
  }
  return localField({ btf, typeId, root, first }, rest);
}

function localField(
  { btf, typeId, root, first }: { btf: Btf; typeId: number; root: BtfType; first: number },
  path: readonly number[],
): Access {
  const accessors: Accessor[] = [{ typeId: root.id, index: first, name: undefined }];
  let bitOffset = first * elementBits(btf, root.id);
  let type = root;
  for (const index of path) {
    if (type.kind === "array") {
      if (index >= type.count && !isFlexible(btf, accessors.at(-1), type)) {
        throw malformed(`element ${index} of ${type.count}`, "one inside the array");
      }
      const element = btf.resolve(type.type);
      accessors.push({ typeId: element.id, index, name: undefined });
      bitOffset += index * elementBits(btf, element.id);
      type = element;
      continue;
    }
    const member = type.kind === "struct" || type.kind === "union"
      ? type.members[index]
      : undefined;
    if (!member) throw malformed(`member ${index} of a ${type.kind}`, "one that it has");
    if (member.name !== "") accessors.push({ typeId: type.id, index, name: member.name });
    bitOffset += member.bitOffset;
    type = btf.resolve(member.type);
  }
  return { btf, rootTypeId: typeId, accessors, bitOffset };
}

function elementBits(btf: Btf, id: number): number {
  const size = sizeOfType({ btf, id });
  if (size !== undefined) return size * 8;
  throw malformed(`an element of type ${id}`, "a type with a size");
}

/** An array without length at the end of a struct goes on for as long as there is memory. */
function isFlexible(btf: Btf, before: Accessor | undefined, array: BtfArray): boolean {
  if (before?.name === undefined || array.count > 0) return false;
  const owner = btf.type(before.typeId);
  return "members" in owner && before.index === owner.members.length - 1;
}

/** The same access in a type of another BTF, or undefined if that type does not have it. */
export function matchAccess(
  local: Access,
  target: { readonly btf: Btf; readonly id: number },
  kind: number,
): Access | undefined {
  const { btf, id } = target;
  const bare: Access = { btf, rootTypeId: id, accessors: [], bitOffset: 0 };
  const root = { btf: local.btf, id: local.rootTypeId };
  if (isEnumKind(kind)) return matchEnumerator(local, bare);
  if (!isFieldKind(kind)) {
    const match = kind === CoreKind.TYPE_MATCHES ? typesMatch : typesAreCompatible;
    return match(root, target) ? bare : undefined;
  }
  return new FieldMatcher(local, bare).match();
}

function matchEnumerator(local: Access, bare: Access): Access | undefined {
  const type = bare.btf.resolve(bare.rootTypeId);
  if (type.kind !== "enum" && type.kind !== "enum64") return undefined;
  const wanted = essentialName(local.accessors[0]?.name ?? "");
  const index = type.values.findIndex(({ name }) => essentialName(name) === wanted);
  const name = type.values[index]?.name;
  if (name === undefined) return undefined;
  return { ...bare, accessors: [{ typeId: type.id, index, name }] };
}

class FieldMatcher {
  readonly #local: Access;
  readonly #bare: Access;
  readonly #accessors: Accessor[] = [];
  #bitOffset = 0;

  constructor(local: Access, bare: Access) {
    this.#local = local;
    this.#bare = bare;
  }

  match(): Access | undefined {
    let id: number | undefined = this.#bare.rootTypeId;
    for (const [step, accessor] of this.#local.accessors.entries()) {
      id = accessor.name === undefined
        ? this.#element(accessor, id, step)
        : this.#member(accessor, id, new Set());
      if (id === undefined) return undefined;
    }
    return { ...this.#bare, accessors: this.#accessors, bitOffset: this.#bitOffset };
  }

  #element({ index }: Accessor, id: number, step: number): number | undefined {
    const { btf } = this.#bare;
    let type = btf.resolve(id);
    // The first step is p[0] of the root type itself.
    if (step > 0) {
      if (type.kind !== "array") return undefined;
      if (index >= type.count && !isFlexible(btf, this.#accessors.at(-1), type)) return undefined;
      type = btf.resolve(type.type);
    }
    this.#accessors.push({ typeId: type.id, index, name: undefined });
    this.#bitOffset += index * elementBits(btf, type.id);
    return type.id;
  }

  /** Finds a member by name, also inside anonymous members; returns its type. */
  #member(local: Accessor, id: number, tried: Set<number>): number | undefined {
    const { btf } = this.#bare;
    const type = btf.resolve(id);
    if (type.kind !== "struct" && type.kind !== "union") return undefined;
    if (tried.has(type.id)) return undefined;
    // What is not in a type here is not in it at another place; types cannot contain themselves.
    tried.add(type.id);
    for (const [index, { name, type: memberType, bitOffset }] of type.members.entries()) {
      if (name === "") {
        const before = this.#bitOffset;
        this.#bitOffset += bitOffset;
        const found = this.#member(local, memberType, tried);
        if (found !== undefined) return found;
        this.#bitOffset = before;
        continue;
      }
      if (name !== local.name) continue;
      const owner = this.#local.btf.type(local.typeId) as BtfComposite;
      const localType = owner.members[local.index]?.type ?? 0;
      const compatible = fieldsAreCompatible(
        { btf: this.#local.btf, id: localType },
        { btf, id: memberType },
      );
      if (!compatible) return undefined;
      this.#accessors.push({ typeId: type.id, index, name });
      this.#bitOffset += bitOffset;
      return memberType;
    }
    return undefined;
  }
}
