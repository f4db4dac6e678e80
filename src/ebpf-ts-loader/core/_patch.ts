import type { BtfType } from "../btf/types.ts";
import { ObjectFormatError } from "../errors.ts";
import type { CoreValue } from "./_value.ts";

const INSTRUCTION_SIZE = 8;

// Instruction classes and fields; see linux/bpf_common.h.
const CLASS = { LD: 0, LDX: 1, ST: 2, STX: 3, ALU: 4, ALU64: 7 } as const;
const SOURCE_REGISTER = 0x08;
const LD_IMM64 = 0x18;
const SIZE_MASK = 0x18;
const CALL = 0x85;
// BPF_W, BPF_H, BPF_B, BPF_DW by the bytes they move.
const SIZE_BITS: ReadonlyMap<number, number> = new Map([[4, 0x00], [2, 0x08], [1, 0x10], [
  8,
  0x18,
]]);

/** The helper number that libbpf and the kernel put into an instruction without an answer. */
export const POISON_HELPER = 0xbad2310;

const MAX_OFFSET = 0x7fff;

function unfit(state: string, expected: string): ObjectFormatError {
  return new ObjectFormatError("CO-RE relocation", state, expected);
}

function requireInside(view: DataView, instruction: number, count = 1): void {
  const end = (instruction + count) * INSTRUCTION_SIZE;
  if (Number.isInteger(instruction) && instruction >= 0 && end <= view.byteLength) return;
  const total = view.byteLength / INSTRUCTION_SIZE;
  throw unfit(`instruction ${instruction} of ${total}`, "one inside the program");
}

/** Makes an instruction (both halves of a wide one) a call of a helper that does not exist. */
export function poisonInstruction(view: DataView, instruction: number): void {
  requireInside(view, instruction);
  const wide = view.getUint8(instruction * INSTRUCTION_SIZE) === LD_IMM64;
  if (wide) requireInside(view, instruction, 2);
  for (const each of wide ? [instruction, instruction + 1] : [instruction]) {
    const at = each * INSTRUCTION_SIZE;
    view.setBigUint64(at, 0n, true);
    view.setUint8(at, CALL);
    view.setInt32(at + 4, POISON_HELPER, true);
  }
}

/**
 * Puts the target's value where the object's own stands. Returns false if the instruction would
 * move the wrong number of bytes on the target, so that it must be poisoned.
 */
export function patchInstruction(
  view: DataView,
  instruction: number,
  local: CoreValue,
  target: CoreValue,
): boolean {
  requireInside(view, instruction);
  const at = instruction * INSTRUCTION_SIZE;
  const opcode = view.getUint8(at);
  switch (opcode & 7) {
    case CLASS.ALU:
    case CLASS.ALU64: {
      if (opcode & SOURCE_REGISTER) throw unfit(`opcode ${opcode}`, "an immediate operand");
      const present = BigInt(view.getInt32(at + 4, true));
      requireValue(local, present, BigInt.asIntN(32, local.value));
      view.setInt32(at + 4, Number(BigInt.asIntN(32, target.value)), true);
      return true;
    }
    case CLASS.LDX:
    case CLASS.ST:
    case CLASS.STX:
      return patchMemory(view, at, local, target);
    default:
      patchWide(view, instruction, local, target);
      return true;
  }
}

function requireValue(local: CoreValue, present: bigint, expected: bigint): void {
  if (!local.checked || present === expected) return;
  throw unfit(`an instruction with ${present}`, `${expected}, as in the object's types`);
}

function patchWide(
  view: DataView,
  instruction: number,
  local: CoreValue,
  target: CoreValue,
): void {
  const at = instruction * INSTRUCTION_SIZE;
  const plain = view.getUint8(at) === LD_IMM64 && view.getUint8(at + 1) >> 4 === 0;
  if (!plain) throw unfit(`opcode ${view.getUint8(at)}`, "arithmetic, a load or a store");
  requireInside(view, instruction, 2);
  const high = at + INSTRUCTION_SIZE + 4;
  const present = BigInt(view.getUint32(at + 4, true)) | BigInt(view.getUint32(high, true)) << 32n;
  // Compilers disagree on whether the value of a 32-bit enum is extended by its sign.
  const extended = BigInt.asUintN(64, BigInt.asIntN(32, local.value));
  requireValue(local, present, present === extended ? extended : local.value);
  view.setUint32(at + 4, Number(BigInt.asUintN(32, target.value)), true);
  view.setUint32(high, Number(target.value >> 32n), true);
}

function patchMemory(view: DataView, at: number, local: CoreValue, target: CoreValue): boolean {
  requireValue(local, BigInt(view.getInt16(at + 2, true)), local.value);
  if (target.value > BigInt(MAX_OFFSET)) {
    throw unfit(`an offset of ${target.value}`, `at most ${MAX_OFFSET}`);
  }
  const [from, to] = [local.memory, target.memory];
  if (from?.size !== to?.size) {
    const adjustable = from && to &&
      (bothPointers(from.type, to.type) || bothUnsigned(from.type, to.type));
    if (!adjustable) return false;
    const opcode = view.getUint8(at);
    if (SIZE_BITS.get(from.size) !== (opcode & SIZE_MASK)) {
      throw unfit(`an access of another size than the field's ${from.size} bytes`, "equal sizes");
    }
    const size = SIZE_BITS.get(to.size);
    if (size === undefined) throw unfit(`a field of ${to.size} bytes`, "1, 2, 4 or 8");
    view.setUint8(at, (opcode & ~SIZE_MASK) | size);
  }
  view.setInt16(at + 2, Number(target.value), true);
  return true;
}

function bothPointers(a: BtfType, b: BtfType): boolean {
  return a.kind === "pointer" && b.kind === "pointer";
}

function bothUnsigned(a: BtfType, b: BtfType): boolean {
  return a.kind === "int" && b.kind === "int" && !a.signed && !b.signed;
}
