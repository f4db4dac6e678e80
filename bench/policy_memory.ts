import { readEmulatorWasm } from "../src/datapath/emulator_file.ts";
import { PolicyImage } from "../src/datapath/image_builder.ts";
import { imageError } from "../src/datapath/image_error.ts";
import { INITIAL_PAGES, instantiateWasm, type WasmInstance } from "../src/datapath/wasm.ts";
import { RECORD_WORDS } from "./map_state.ts";
import { type Policy, recordWords, writeMapState } from "./workloads.ts";

/** Images are built with the broad entries merged or not, as the builder thinks best. */
const MERGE_AUTO = 3;
const REVISION = 1;
const MOST_PAGES = 65536;

/** Map state and images of a workload's policies, in the memory of the Wasm module. */
export class PolicyMemory {
  readonly wasm: WasmInstance;
  #records = 0;
  #recordBytes = 0;

  private constructor(wasm: WasmInstance) {
    this.wasm = wasm;
  }

  /** A module with a memory of its own. */
  static async create(): Promise<PolicyMemory> {
    const memory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: MOST_PAGES });
    return new PolicyMemory(instantiateWasm(await readEmulatorWasm(), memory));
  }

  /** Allocates bytes for the life of the module and returns their address. */
  allocate(bytes: number): number {
    const address = this.wasm.exports.allocatePages(bytes) >>> 0;
    if (address !== 0) return address;
    throw new RangeError(`Cannot allocate "${bytes}" bytes: out of memory, expected room`);
  }

  /** Writes the map state of a policy; the records are valid until the next call. */
  writeRecords(policy: Policy): Uint32Array<ArrayBuffer> {
    const bytes = recordWords(policy) * Uint32Array.BYTES_PER_ELEMENT;
    if (bytes > this.#recordBytes) {
      this.#records = this.allocate(bytes);
      this.#recordBytes = bytes;
    }
    const words = new Uint32Array(this.#buffer, this.#records, recordWords(policy));
    const count = writeMapState(policy, words);
    return words.subarray(0, count * RECORD_WORDS);
  }

  /** Builds the image of a policy from the records written last. */
  buildImage(policy: Policy): PolicyImage {
    const { exports } = this.wasm;
    const { number, entryCount } = policy;
    const table = exports.buildImage(this.#records, entryCount, number, REVISION, MERGE_AUTO);
    if (table >= 0) return new PolicyImage(this.wasm, table, number, REVISION);
    const detail = exports.errorDetail() >>> 0;
    throw imageError("build image", `policy ${number}`, table, detail, []);
  }

  /** Gives an image's memory back. */
  free(image: PolicyImage): void {
    this.wasm.exports.freeImage(image.table);
  }

  /** The u32 keys 0 to `count` − 1 of an array map, not a copy. */
  arrayKeys(count: number): Uint8Array<ArrayBuffer> {
    const address = this.wasm.exports.arrayKeys(count) >>> 0;
    return new Uint8Array(this.#buffer, address, count * Uint32Array.BYTES_PER_ELEMENT);
  }

  /** No plain memory is shared. Growth detaches it. */
  get #buffer(): ArrayBuffer {
    return this.wasm.memory.buffer as ArrayBuffer;
  }
}
