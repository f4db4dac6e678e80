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
  initialize(workers: number): number;
  enterWorker(worker: number): number;
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
  retireImage(table: number): number;
  reclaimImages(): number;
  imageDirectory(): number;
  imageOf(table: number): number;
  linesOf(sizeClass: number): number;

  addressStaging(): number;
  arrayKeys(count: number): number;
  prefixLengths(family: number): number;
  useAddressTrie(wanted: boolean): void;
  trieRoot(): number;
  ipcacheBytes(): number;
  tableCount(table: number): number;
  tableDescriptor(table: number): number;
  tableKeys(table: number): number;
  tableValues(table: number): number;
  upsertIdentity(identity: number, slot: number): number;
  upsertIpcache(family: number, identity: number, slot: number): number;
  upsertIpcacheCidr(family: number, prefixLength: number, identity: number, slot: number): number;
  removeIpcache(family: number): number;
  removeIpcacheCidr(family: number, prefixLength: number): number;
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
  endpointConfig(id: number): number;
  endpointPolicy(id: number): number;
  policyTable(policy: number): number;
  setPolicyTable(policy: number, table: number, revision: number): void;

  runPackets(input: number, count: number, output: number): void;
  runShare(input: number, count: number, output: number): void;
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

  setFuzzList(list: number, address: number, count: number): void;
  startFuzz(seedLow: number, seedHigh: number, start: number): number;
  fuzzClock(): number;
  generatePackets(slots: number, count: number): void;
  runCovered(input: number, count: number, output: number): void;
  differingPacket(a: number, b: number, count: number): number;
  differingEvent(events: number, eventBytes: number, records: number, bytes: number): number;
  differingEntry(table: number, keys: number, values: number, count: number): number;
  forgetTraffic(): void;
  coverageCounters(): number;
  coverageCount(): number;
  clearCoverage(): void;
  coverEvents(events: number, bytes: number): void;
  coverFlows(): void;
  lruPressure(flows: number): number;
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

/** Pages that the module expects its memory to be able to have: 4 GiB. */
export const MAXIMUM_PAGES = 65536;

/**
 * Instantiates the module in `memory`, which must not be in use by another instance: its
 * first pages become the module's static data.
 *
 * @param workers How many instances of {@linkcode instantiateWorker} will share the memory; more
 * than one takes the build with threads.
 * @throws {RangeError} If the memory cannot grow to what the module allocates at once.
 */
export function instantiateWasm(
  source: WasmSource,
  memory: WebAssembly.Memory,
  workers = 1,
): WasmInstance {
  const exports = instantiate(source, memory);
  if (!exports.initialize(workers)) {
    throw new RangeError(
      `Cannot initialize "emulator.wasm": out of memory at ${memory.buffer.byteLength} bytes, expected a memory that can grow`,
    );
  }
  return { exports, memory };
}

/**
 * Instantiates the module with threads once more in a memory that is in use, as one of its
 * workers. Each worker's number must be used by one thread at a time.
 *
 * @throws {RangeError} If the memory was not made for so many workers.
 */
export function instantiateWorker(
  source: WasmSource,
  memory: WebAssembly.Memory,
  worker: number,
): WasmInstance {
  const exports = instantiate(source, memory);
  if (!exports.enterWorker(worker)) {
    throw new RangeError(
      `Cannot enter worker "${worker}": no such worker, expected one of those that the memory has`,
    );
  }
  return { exports, memory };
}

function instantiate(source: WasmSource, memory: WebAssembly.Memory): WasmExports {
  const module = source instanceof WebAssembly.Module ? source : new WebAssembly.Module(source);
  type Exports = { [name in keyof WasmExports]: WasmExports[name] };
  return instantiateSync<Exports>(module, { env: { memory, abort: reportAbort } }).exports;
}

/** Only the debug build calls it: an invariant does not hold. */
function reportAbort(_message: number, _file: number, line: number, column: number): never {
  throw new Error(`Cannot go on in "emulator.wasm": invariant broken at ${line}:${column}`);
}

/** Bytes of so many image lines. */
export function lineBytes(lines: number): number {
  return lines * IMAGE_LINE_BYTES;
}
