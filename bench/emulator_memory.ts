/**
 * `emulator.memory.*`: bytes of the emulator for each address of the ipcache, in both modes, and
 * for each map state entry of a policy.
 *
 * @module
 */
import {
  IMAGE_HEADER_USED_BLOCKS_OFF,
  IMAGE_HEADER_USED_ENTRIES_OFF,
  IMAGE_L_SLOTS,
  IMAGE_LINE_BYTES,
  IMAGE_M_SLOTS,
  IMAGE_S_SLOTS,
  IPCACHE4_KEY_SIZE,
  IPCACHE_INFO_SIZE,
  LPM_POLICY_ENTRY_SIZE,
  LPM_POLICY_KEY_SIZE,
  POLICY_ENTRY_SIZE,
} from "../src/datapath/layout.ts";
import type { PolicyImage } from "../src/datapath/image_builder.ts";
import { addressSet } from "./addresses.ts";
import type { Benchmark } from "./benchmark.ts";
import { PolicyMemory } from "./policy_memory.ts";
import { benchResult } from "./result.ts";
import type { Workload } from "./workloads.ts";

const SLOTS = { S: IMAGE_S_SLOTS, M: IMAGE_M_SLOTS, L: IMAGE_L_SLOTS };
const HEADER_BYTES = 2 * IMAGE_LINE_BYTES;
const BLOCK_BYTES = 2 * IMAGE_LINE_BYTES;

/** Bytes of an image that are in use: header, a cell for each slot and direction, the rest. */
function usedBytes(image: PolicyImage): number {
  const { bytes, sizeClass } = image;
  const header = new DataView(bytes.buffer, bytes.byteOffset);
  return HEADER_BYTES + 2 * SLOTS[sizeClass] * Uint16Array.BYTES_PER_ELEMENT +
    header.getUint32(IMAGE_HEADER_USED_ENTRIES_OFF, true) * POLICY_ENTRY_SIZE +
    header.getUint32(IMAGE_HEADER_USED_BLOCKS_OFF, true) * BLOCK_BYTES;
}

/** Bytes of the ipcache for each of its entries: tables, what finds them, and room left over. */
export function ipcacheMemoryBenchmark(
  name: string,
  addresses: number,
  mode: "fast" | "compact",
): Benchmark {
  return {
    name,
    about: `bytes per ipcache entry in the ${mode} mode, against key and value alone`,
    requires: [],
    run: async ({ progress }) => {
      progress.show(`${name}: building`);
      const memory = await PolicyMemory.create({ addresses: mode });
      const empty = memory.datapath.ipcacheBytes;
      memory.fillIpcache(addressSet(addresses));
      const bytes = memory.datapath.ipcacheBytes - empty;
      const content = IPCACHE4_KEY_SIZE + IPCACHE_INFO_SIZE;
      return benchResult(name, bytes / addresses, { name: "key and value", value: content }, "B");
    },
  };
}

/** Bytes of a policy's image for each entry of its map state. */
export function policyMemoryBenchmark(name: string, workload: Workload): Benchmark {
  return {
    name,
    about: "bytes per map state entry in the image, against Cilium's key and value",
    requires: [],
    run: async ({ progress }) => {
      progress.show(`${name}: building`);
      const memory = await PolicyMemory.create();
      const policy = workload.policy(1);
      memory.writeRecords(policy);
      const bytes = usedBytes(memory.buildImage(policy)) / policy.entryCount;
      const content = LPM_POLICY_KEY_SIZE + LPM_POLICY_ENTRY_SIZE;
      return benchResult(name, bytes, { name: "Cilium's key and value", value: content }, "B");
    },
  };
}
