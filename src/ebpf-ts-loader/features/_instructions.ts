/** A few eBPF instructions, for programs that only ask whether the kernel takes them. */

function instruction(opcode: number, registers: number, offset: number, immediate: number) {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint8(0, opcode);
  view.setUint8(1, registers);
  view.setInt16(2, offset, true);
  view.setInt32(4, immediate, true);
  return new Uint8Array(view.buffer);
}

/** r0 = immediate (64 bit). */
export const setR0 = (immediate: number) => instruction(0xb7, 0, 0, immediate);
/** r0 += immediate (64 bit). */
export const addR0 = (immediate: number) => instruction(0x07, 0, 0, immediate);
/** if r0 != immediate goto pc + 1 + offset. */
export const jumpUnlessR0 = (immediate: number, offset: number) =>
  instruction(0x55, 0, offset, immediate);
/** Calls a helper. */
export const callHelper = (id: number) => instruction(0x85, 0, 0, id);
/** Returns r0. */
export const exit = () => instruction(0x95, 0, 0, 0);

/** The parts one after the other. */
export function concatBytes(parts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
