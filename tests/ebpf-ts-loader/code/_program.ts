import type { ProgramSpec } from "ebpf-ts-loader";

/** Opcode, destination, source, offset, immediate. */
export type Slot = readonly [number, number, number, number, number];

const MOVE = 0xb7;
const MOVE_REGISTER = 0xbf;

/** `register = number`. */
export const set = (register: number, number = 0): Slot => [MOVE, register, 0, 0, number];
/** `to = from`. */
export const copy = (to: number, from: number): Slot => [MOVE_REGISTER, to, from, 0, 0];
/** `if (register == number) goto`. */
export const ifEqual = (register: number, number: number, offset: number): Slot => [
  0x15,
  register,
  0,
  offset,
  number,
];
export const goto = (offset: number): Slot => [0x05, 0, 0, offset, 0];
export const gotoLong = (distance: number): Slot => [0x06, 0, 0, 0, distance];
export const callHelper = (number: number): Slot => [0x85, 0, 0, 0, number];
export const callFunction = (distance: number): Slot => [0x85, 0, 1, 0, distance];
export const takeAddress = (register: number, distance: number): readonly Slot[] => [
  [0x18, register, 4, 0, distance],
  [0, 0, 0, 0, 0],
];
export const loadMap = (register: number): readonly Slot[] => [
  [0x18, register, 1, 0, 0],
  [0, 0, 0, 0, 0],
];
export const EXIT: Slot = [0x95, 0, 0, 0, 0];

/** Instructions as bytes. */
export function code(slots: readonly Slot[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(slots.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [i, [opcode, destination, source, offset, immediate]] of slots.entries()) {
    view.setUint8(i * 8, opcode);
    view.setUint8(i * 8 + 1, source << 4 | destination);
    view.setInt16(i * 8 + 2, offset, true);
    view.setInt32(i * 8 + 4, immediate, true);
  }
  return bytes;
}

/** Words as bytes. */
export function words(...numbers: readonly number[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Uint32Array.from(numbers).buffer);
}

/** A program of these instructions; what is not given is empty. */
export function program(
  slots: readonly Slot[],
  fields: Partial<ProgramSpec> = {},
): ProgramSpec {
  return {
    name: "made",
    section: "tc",
    type: 3,
    expectedAttachType: 0,
    flags: 0,
    attachTo: undefined,
    attachBtf: undefined,
    autoload: true,
    instructions: code(slots),
    references: [],
    externs: [],
    functions: [{ name: "made", instruction: 0 }],
    functionInfo: new Uint8Array(0),
    lineInfo: new Uint8Array(0),
    coreRelocations: new Uint8Array(0),
    ...fields,
  };
}
