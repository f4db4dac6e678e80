import type { Btf } from "../btf/btf.ts";
import type { BtfType } from "../btf/types.ts";
import { ObjectFormatError } from "../errors.ts";
import { type Access, localAccess, matchAccess } from "./_access.ts";
import { patchInstruction, poisonInstruction } from "./_patch.ts";
import { essentialName, nameOf, sameKind } from "./types.ts";
import { type CoreValue, coreValue, POISON } from "./_value.ts";
import {
  CoreKind,
  type CoreRelocation,
  coreRelocations,
  describeRelocation,
} from "./relocation.ts";

/** What {@linkcode relocateCore} works on. */
export interface CoreInput {
  /** For messages. */
  readonly name: string;
  /** 8 bytes each, little-endian. */
  readonly instructions: Uint8Array<ArrayBuffer>;
  /** `struct bpf_core_relo` records with byte offsets into the instructions. */
  readonly coreRelocations: Uint8Array<ArrayBuffer>;
}

/** What {@linkcode relocateCore} made. */
export interface CoreResult {
  /** A changed copy. */
  readonly instructions: Uint8Array<ArrayBuffer>;
  /**
   * Relocations without an answer in the target, in words. Their instructions are invalid calls,
   * which the verifier refuses only where the program can reach them.
   */
  readonly poisoned: readonly { readonly instruction: number; readonly relocation: string }[];
}

/**
 * Adjusts a program to the types of the BTF it will run with, by libbpf's rules: candidates have
 * the same name without flavor (`task_struct___old`) and kind, all that match must agree. Needs no
 * kernel; {@linkcode loadCollection} leaves this to the kernel unless it is given a `coreBtf`.
 *
 * Throws {@linkcode ObjectFormatError} for malformed relocations and for candidates that disagree.
 *
 * @example Usage
 * ```ts
 * import { parseObject, relocateCore } from "ebpf-ts-loader";
 * import { assert, assertEquals } from "@std/assert";
 * const spec = parseObject(await Deno.readFile("tests/ebpf-ts-loader/fixtures/core.bpf.o"));
 * const program = spec.programs.get("ifindex_offset");
 * assert(program && spec.btf);
 * // Against the object's own types nothing moves.
 * const { instructions, poisoned } = relocateCore(program, spec.btf, spec.btf);
 * assertEquals(instructions, program.instructions);
 * assertEquals(poisoned, []);
 * ```
 */
export function relocateCore(program: CoreInput, local: Btf, target: Btf): CoreResult {
  const instructions = program.instructions.slice();
  const view = new DataView(instructions.buffer);
  const candidates = new Candidates(local, target);
  const poisoned: { instruction: number; relocation: string }[] = [];
  for (const relocation of coreRelocations(program.coreRelocations, local)) {
    const { instruction } = relocation;
    const text = describeRelocation(relocation, local);
    try {
      const decision = decide(relocation, local, candidates);
      const patched = decision.target !== POISON &&
        patchInstruction(view, instruction, decision.local, decision.target);
      if (patched) continue;
    } catch (error) {
      if (!(error instanceof ObjectFormatError)) throw error;
      throw new ObjectFormatError(
        `${program.name} instruction ${instruction}`,
        `CO-RE relocation for the ${text}`,
        "one that can be decided",
        { cause: error },
      );
    }
    poisonInstruction(view, instruction);
    poisoned.push({ instruction, relocation: text });
  }
  return { instructions, poisoned };
}

interface Decision {
  /** What the compiler put in. */
  readonly local: CoreValue;
  readonly target: CoreValue | typeof POISON;
}

function decide(relocation: CoreRelocation, btf: Btf, candidates: Candidates): Decision {
  const { kind, typeId } = relocation;
  const access = localAccess(relocation, btf);
  const local = coreValue(kind, access);
  if (local === POISON) throw undecided("no value of its own", "one");
  if (kind === CoreKind.TYPE_ID_LOCAL) return { local, target: local };
  const matches = candidates.match(typeId, access, kind);
  const [first] = matches;
  const target = coreValue(kind, first);
  for (const each of matches) requireAgreement({ first, target }, each, kind);
  return { local, target };
}

function requireAgreement(
  { first, target }: { first: Access | undefined; target: CoreValue | typeof POISON },
  other: Access,
  kind: number,
): void {
  const answer = coreValue(kind, other);
  const valueOf = (each: CoreValue | typeof POISON) => each === POISON ? each : each.value;
  if (first?.bitOffset === other.bitOffset && valueOf(answer) === valueOf(target)) return;
  throw undecided(
    `types ${first?.rootTypeId} and ${other.rootTypeId} of the target differ`,
    "one answer",
  );
}

function undecided(state: string, expected: string): ObjectFormatError {
  return new ObjectFormatError("CO-RE relocation", state, expected);
}

/** The types of the target that may stand for a type of the object. */
class Candidates {
  readonly #local: Btf;
  readonly #target: Btf;
  readonly #known = new Map<number, readonly BtfType[]>();

  constructor(local: Btf, target: Btf) {
    this.#local = local;
    this.#target = target;
  }

  match(typeId: number, access: Access, kind: number): readonly Access[] {
    const found: { type: BtfType; access: Access }[] = [];
    for (const type of this.#of(typeId)) {
      const match = matchAccess(access, { btf: this.#target, id: type.id }, kind);
      if (match) found.push({ type, access: match });
    }
    // As libbpf does: a candidate that failed once is out for this type's later relocations.
    if (found.length > 0) this.#known.set(typeId, found.map(({ type }) => type));
    return found.map((each) => each.access);
  }

  #of(typeId: number): readonly BtfType[] {
    const known = this.#known.get(typeId);
    if (known) return known;
    const type = this.#local.type(typeId);
    const name = essentialName(nameOf(type));
    if (name === "") throw undecided(`type ${typeId} without a name`, "a named type");
    const found = (byEssentialName(this.#target).get(name) ?? [])
      .filter((each) => sameKind(each, type));
    this.#known.set(typeId, found);
    return found;
  }
}

const indexes = new WeakMap<Btf, ReadonlyMap<string, readonly BtfType[]>>();

function byEssentialName(btf: Btf): ReadonlyMap<string, readonly BtfType[]> {
  const known = indexes.get(btf);
  if (known) return known;
  const index = new Map<string, BtfType[]>();
  for (const type of btf.types) {
    const name = essentialName(nameOf(type));
    if (name === "") continue;
    const list = index.get(name);
    if (list) list.push(type);
    else index.set(name, [type]);
  }
  indexes.set(btf, index);
  return index;
}
