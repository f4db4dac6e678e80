import type { ProgramSpec } from "../spec/collection_spec.ts";
import type { KernelSymbol } from "./resolve_externs.ts";

const INSTRUCTION_SIZE = 8;
const OP_CALL = 0x85;

// Meanings of the source register; see linux/bpf.h.
const PSEUDO = { MAP_FD: 1, MAP_VALUE: 2, KFUNC_CALL: 2, BTF_ID: 3 } as const;

/**
 * The helper number, plus the extern's place in the object, of a call of a weak function that this
 * kernel does not have: as libbpf does it.
 */
export const MISSING_FUNCTION = 2_002_000_000;

/** A copy of the instructions in which references to the kernel are type ids and addresses. */
export function bindSymbols(
  spec: ProgramSpec,
  symbols: ReadonlyMap<string, KernelSymbol>,
): Uint8Array<ArrayBuffer> {
  const instructions = spec.instructions.slice();
  const view = new DataView(instructions.buffer);
  for (const { instruction, name } of spec.externs) {
    const symbol = symbols.get(name);
    if (!symbol) throw unbound(spec, "kernel symbol", name);
    const at = instruction * INSTRUCTION_SIZE;
    if (view.getUint8(at) === OP_CALL) bindCall(view, at, symbol);
    else bindAddress(view, at, symbol);
  }
  return instructions;
}

function unbound(spec: ProgramSpec, kind: string, name: string): TypeError {
  return new TypeError(`Cannot load program "${spec.name}": no ${kind} "${name}", expected one`);
}

function setSource(view: DataView, at: number, source: number): void {
  view.setUint8(at + 1, (view.getUint8(at + 1) & 0xf) | (source << 4));
}

/** Writes descriptors into references to maps; may be done again with others. */
export function bindMaps(
  view: DataView,
  spec: ProgramSpec,
  maps: ReadonlyMap<string, { readonly fd: number }>,
): void {
  for (const { instruction, map: name, valueOffset } of spec.references) {
    const map = maps.get(name);
    if (!map) throw unbound(spec, "map", name);
    const at = instruction * INSTRUCTION_SIZE;
    setSource(view, at, valueOffset === undefined ? PSEUDO.MAP_FD : PSEUDO.MAP_VALUE);
    view.setInt32(at + 4, map.fd, true);
    view.setInt32(at + INSTRUCTION_SIZE + 4, valueOffset ?? 0, true);
  }
}

function bindCall(view: DataView, at: number, symbol: KernelSymbol): void {
  if (symbol.kind === "btf") {
    setSource(view, at, PSEUDO.KFUNC_CALL);
    // The kernel's own BTF, not a module's.
    view.setInt16(at + 2, 0, true);
    view.setInt32(at + 4, symbol.id, true);
    return;
  }
  view.setUint8(at + 1, 0);
  view.setInt32(at + 4, MISSING_FUNCTION + (symbol.kind === "missing" ? symbol.ordinal : 0), true);
}

function bindAddress(view: DataView, at: number, symbol: KernelSymbol): void {
  const next = at + INSTRUCTION_SIZE + 4;
  if (symbol.kind === "btf") {
    setSource(view, at, PSEUDO.BTF_ID);
    view.setInt32(at + 4, symbol.id, true);
    view.setInt32(next, 0, true);
    return;
  }
  const address = symbol.kind === "address" ? symbol.address : 0n;
  view.setUint32(at + 4, Number(address & 0xffffffffn), true);
  view.setUint32(next, Number(address >> 32n), true);
}
