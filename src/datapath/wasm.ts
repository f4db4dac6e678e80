/**
 * The AssemblyScript module: its exports with types, and how it is instantiated.
 *
 * Everything here takes and gives byte offsets in the module's memory. Only the classes
 * beside this file call it.
 */
import { instantiateSync } from "@assemblyscript/loader";
import { IMAGE_LINE_BYTES } from "./layout.ts";

/**
 * The exports of asm/index.ts. Addresses and other u32 results come back signed from
 * WebAssembly: `>>> 0` where they may exceed 2³¹.
 */
export interface WasmExports {
  initialize(): number;
  resetTables(): void;
  allocate(size: number): number;
  allocatePages(size: number): number;
  release(address: number, size: number): void;
  firstDifference(a: number, b: number, bytes: number): number;

  buildImage(
    records: number,
    count: number,
    policy: number,
    revision: number,
    mode: number,
  ): number;
  extendImage(table: number, records: number, count: number): number;
  clearSlot(table: number, slot: number): number;
  changedSpans(): number;
  changedSpanCount(): number;
  errorDetail(): number;
  freeImage(table: number): void;
  imageDirectory(): number;
  imageOf(table: number): number;
  linesOf(sizeClass: number): number;

  addressStaging(): number;
  arrayKeys(count: number): number;
  prefixLengths(family: number): number;
  tableCount(table: number): number;
  tableDescriptor(table: number): number;
  tableKeys(table: number): number;
  tableValues(table: number): number;
  upsertIdentity(identity: number, slot: number): number;
  upsertIpcache(family: number, identity: number, slot: number): number;
  upsertIpcacheCidr(family: number, prefixLength: number, identity: number, slot: number): number;
  removeIpcache(family: number): number;
  upsertLocalEndpoint(
    family: number,
    id: number,
    ifindex: number,
    identity: number,
    macLow: number,
    macHigh: number,
    nodeMacLow: number,
    nodeMacHigh: number,
  ): number;
  setEndpoint(
    id: number,
    ifindex: number,
    ipv4: number,
    events: number,
    identity: number,
    slot: number,
    policy: number,
    flags: number,
    eventInterval: number,
  ): void;
  redirectPort(id: number): number;
  endpointPolicy(id: number): number;
  policyTable(policy: number): number;
  setPolicyTable(policy: number, table: number, revision: number): void;

  runPackets(input: number, count: number, output: number): void;
  classifyPackets(input: number, count: number, output: number): void;
  lookupPolicies(queries: number, count: number, output: number): void;
  lookupAddresses(addresses: number, count: number, family: number, output: number): void;
  clearConntrack(): void;
  collectConntrack(now: number): number;
  clearFragments(): void;
  clearReported(): void;
  clearAccounting(): void;
  clearMetrics(): void;
  metricsAddress(): number;
  clearEvents(): void;
  eventsAddress(): number;
  eventsBytes(): number;
  eventsLost(): number;
}

/** A module and the memory it works in. */
export interface WasmInstance {
  readonly exports: WasmExports;
  readonly memory: WebAssembly.Memory;
}

/** What the module is made from: its bytes, or a compiled module (as Workers receive it). */
export type WasmSource = BufferSource | WebAssembly.Module;

/** Pages that the module expects its memory to have at the start. */
export const INITIAL_PAGES = 16;

/**
 * Instantiates the module in `memory`, which must not be in use by another instance: its
 * first pages become the module's static data.
 *
 * @throws {RangeError} If the memory cannot grow to what the module allocates at once.
 */
export function instantiateWasm(source: WasmSource, memory: WebAssembly.Memory): WasmInstance {
  const module = source instanceof WebAssembly.Module ? source : new WebAssembly.Module(source);
  const { exports } = instantiateSync<{ [name in keyof WasmExports]: WasmExports[name] }>(module, {
    env: { memory, abort: reportAbort },
  });
  if (!exports.initialize()) {
    throw new RangeError(
      `Cannot initialize "emulator.wasm": out of memory at ${memory.buffer.byteLength} bytes, expected a memory that can grow`,
    );
  }
  return { exports, memory };
}

/** Only the debug build calls it: an invariant does not hold. */
function reportAbort(_message: number, _file: number, line: number, column: number): never {
  throw new Error(`Cannot go on in "emulator.wasm": invariant broken at ${line}:${column}`);
}

/** Bytes of so many image lines. */
export function lineBytes(lines: number): number {
  return lines * IMAGE_LINE_BYTES;
}
