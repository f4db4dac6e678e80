import type { BtfComposite, BtfEnum, BtfEnum64, BtfForward, BtfType } from "../btf/types.ts";
import {
  essentialName,
  isComposite,
  isEnum,
  nameOf,
  resolved,
  sameKind,
  type TypeRef,
} from "./types.ts";

// As in the kernel and libbpf: deeper types count as different.
const MAX_DEPTH = 32;
// More ids than any BTF has, so that two of them fit into one number.
const ID_LIMIT = 2 ** 26;

/** Answers so far by pair of types: without it, the work in a hostile BTF doubles per level. */
type Answers = Map<number, boolean>;

function remembered(answers: Answers, key: number, answer: () => boolean): boolean {
  const known = answers.get(key);
  if (known !== undefined) return known;
  // What leads back to itself is no type that C can write.
  answers.set(key, false);
  const result = answer();
  answers.set(key, result);
  return result;
}

/** True if a field of type `local` may be read as the kernel's `target`. */
export function fieldsAreCompatible(local: TypeRef, target: TypeRef): boolean {
  let [a, b] = [resolved(local), resolved(target)];
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    if (isComposite(a) && isComposite(b)) return true;
    if (!sameKind(a, b)) return false;
    if (a.kind !== "array" || b.kind !== "array") break;
    [a, b] = [local.btf.resolve(a.type), target.btf.resolve(b.type)];
  }
  if (a.kind === "pointer" || a.kind === "float" || a.kind === "int") return true;
  if (a.kind !== "forward" && !isEnum(a)) return false;
  const [x, y] = [essentialName(nameOf(a)), essentialName(nameOf(b))];
  return x === "" || y === "" || x === y;
}

/**
 * True if two types of one name are of the same make: structs and enums always, pointers, arrays
 * and prototypes if what they are made of is. Names are the caller's business.
 */
export function typesAreCompatible(local: TypeRef, target: TypeRef): boolean {
  return sameKind(local.btf.type(local.id), target.btf.type(target.id)) &&
    compatible(local, target, { depth: MAX_DEPTH, answers: new Map() });
}

function compatible(
  local: TypeRef,
  target: TypeRef,
  { depth, answers }: { depth: number; answers: Answers },
): boolean {
  if (depth <= 0) return false;
  const [a, b] = [resolved(local), resolved(target)];
  if (!sameKind(a, b)) return false;
  const inner = (x: number, y: number) =>
    remembered(
      answers,
      x * ID_LIMIT + y,
      () =>
        compatible({ btf: local.btf, id: x }, { btf: target.btf, id: y }, {
          depth: depth - 1,
          answers,
        }),
    );
  if (
    (a.kind === "pointer" && b.kind === "pointer") || (a.kind === "array" && b.kind === "array")
  ) {
    return inner(a.type, b.type);
  }
  if (a.kind === "prototype" && b.kind === "prototype") {
    return a.parameters.length === b.parameters.length &&
      a.parameters.every(({ type }, index) => inner(type, b.parameters[index]?.type ?? 0)) &&
      inner(a.returnType, b.returnType);
  }
  return a.kind === "void" || a.kind === "int" || a.kind === "forward" || isComposite(a) ||
    isEnum(a);
}

interface Place {
  /** Behind a pointer structs are compared by name alone. */
  readonly behindPointer: boolean;
  readonly depth: number;
  readonly answers: Answers;
}

/** True if the kernel's type has all that the object's type says, member by member. */
export function typesMatch(local: TypeRef, target: TypeRef): boolean {
  return matches(local, target, { behindPointer: false, depth: MAX_DEPTH, answers: new Map() });
}

function matches(local: TypeRef, target: TypeRef, place: Place): boolean {
  const { behindPointer, depth, answers } = place;
  if (depth <= 0) return false;
  const [a, b] = [resolved(local), resolved(target)];
  if (!namesMatch(nameOf(a), nameOf(b))) return false;
  const inner = (x: number, y: number, behind = behindPointer) =>
    remembered(
      answers,
      (x * ID_LIMIT + y) * 2 + (behind ? 1 : 0),
      () =>
        matches({ btf: local.btf, id: x }, { btf: target.btf, id: y }, {
          behindPointer: behind,
          depth: depth - 1,
          answers,
        }),
    );
  switch (a.kind) {
    case "void":
      return b.kind === "void";
    case "forward":
      return forwardMatches(a, b, behindPointer);
    case "enum":
    case "enum64":
      return (b.kind === "enum" || b.kind === "enum64") && enumsMatch(a, b);
    case "struct":
    case "union":
      if (behindPointer) {
        return a.kind === b.kind || (b.kind === "forward" && b.of === a.kind);
      }
      return a.kind === b.kind && membersMatch(a, b as BtfComposite, inner);
    case "int":
      return b.kind === "int" && a.size === b.size && a.signed === b.signed;
    case "pointer":
      return b.kind === "pointer" && inner(a.type, b.type, true);
    case "array":
      return b.kind === "array" && a.count === b.count && inner(a.type, b.type);
    case "prototype":
      return b.kind === "prototype" && a.parameters.length === b.parameters.length &&
        a.parameters.every(({ type }, index) => inner(type, b.parameters[index]?.type ?? 0)) &&
        inner(a.returnType, b.returnType);
    default:
      return false;
  }
}

function namesMatch(local: string, target: string): boolean {
  return target === "" ? local === "" : essentialName(local) === essentialName(target);
}

function forwardMatches(local: BtfForward, target: BtfType, behindPointer: boolean): boolean {
  if (target.kind === "forward") return local.of === target.of;
  return behindPointer && target.kind === local.of;
}

function enumsMatch(local: BtfEnum | BtfEnum64, target: BtfEnum | BtfEnum64): boolean {
  const names = new Set(target.values.map(({ name }) => essentialName(name)));
  return local.values.length <= target.values.length &&
    local.values.every(({ name }) => names.has(essentialName(name)));
}

function membersMatch(
  local: BtfComposite,
  target: BtfComposite,
  inner: (local: number, target: number) => boolean,
): boolean {
  return local.members.length <= target.members.length &&
    local.members.every((member) =>
      target.members.some((other) =>
        namesMatch(member.name, other.name) && inner(member.type, other.type)
      )
    );
}
