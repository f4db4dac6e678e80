import { DatapathMemory, type DatapathMemoryOptions } from "../src/datapath/datapath_memory.ts";
import { readEmulatorWasm } from "../src/datapath/emulator_file.ts";
import { PolicyImage } from "../src/datapath/image_builder.ts";
import { imageError } from "../src/datapath/image_error.ts";
import type { WasmExports } from "../src/datapath/wasm.ts";
import { addressBytes, addressBytes6, type AddressSet } from "./addresses.ts";
import { RECORD_WORDS } from "./map_state.ts";
import { type Policy, recordWords, writeMapState } from "./workloads.ts";

/** Images are built with the broad entries merged or not, as the builder thinks best. */
const MERGE_AUTO = 3;
const REVISION = 1;

/** Map state, images and tables of a workload, in the memory of the Wasm module. */
export class PolicyMemory {
  readonly datapath: DatapathMemory;
  readonly exports: WasmExports;
  #records = 0;
  #recordBytes = 0;

  private constructor(datapath: DatapathMemory) {
    this.datapath = datapath;
    this.exports = datapath.wasm.exports;
  }

  /** A module with a memory of its own. */
  static async create(options: DatapathMemoryOptions = {}): Promise<PolicyMemory> {
    return PolicyMemory.of(new DatapathMemory(await readEmulatorWasm(), options));
  }

  /** In a memory that is there. */
  static of(datapath: DatapathMemory): PolicyMemory {
    return new PolicyMemory(datapath);
  }

  /** Allocates bytes for the life of the module and returns their address. */
  allocate(bytes: number): number {
    const address = this.exports.allocatePages(bytes) >>> 0;
    if (address !== 0) return address;
    throw new RangeError(`Cannot allocate "${bytes}" bytes: out of memory, expected room`);
  }

  /** 32-bit words of the memory, not a copy; growth detaches them. */
  words(address: number, count: number): Uint32Array<ArrayBuffer> {
    const { buffer } = this.datapath.bytes(address, 0);
    return new Uint32Array(buffer, address, count);
  }

  /** Writes the map state of a policy; the records are valid until the next call. */
  writeRecords(policy: Policy): Uint32Array<ArrayBuffer> {
    const bytes = recordWords(policy) * Uint32Array.BYTES_PER_ELEMENT;
    if (bytes > this.#recordBytes) {
      this.#records = this.allocate(bytes);
      this.#recordBytes = bytes;
    }
    const words = this.words(this.#records, recordWords(policy));
    const count = writeMapState(policy, words);
    return words.subarray(0, count * RECORD_WORDS);
  }

  /** Builds the image of a policy from the records written last. */
  buildImage({ number, entryCount }: Policy): PolicyImage {
    const { exports } = this;
    const table = exports.buildImage(this.#records, entryCount, number, REVISION, MERGE_AUTO);
    if (table >= 0) return new PolicyImage(this.datapath.wasm, table, number, REVISION);
    const detail = exports.errorDetail() >>> 0;
    throw imageError("build image", `policy ${number}`, table, detail, []);
  }

  /** Fills the ipcache with a set's addresses, or with the IPv6 ones that stand for them. */
  fillIpcache(set: AddressSet, family: 4 | 6 = 4): void {
    const { exports, datapath } = this;
    const [size, bytesOf] = family === 4
      ? [4, addressBytes] as const
      : [16, addressBytes6] as const;
    for (const [i, address] of set.addresses.entries()) {
      datapath.bytes(exports.addressStaging(), size).set(bytesOf(address));
      const identity = set.identities[i] ?? 0;
      const slot = set.slots[i] ?? 0;
      const length = set.prefixLengths[i] ?? 0;
      const result = length === 32
        ? exports.upsertIpcache(family, identity, slot)
        : exports.upsertIpcacheCidr(family, length + 8 * (size - 4), identity, slot);
      if (result < 0) throw new RangeError(`Cannot fill "ipcache": full at ${i}, expected room`);
    }
  }
}
