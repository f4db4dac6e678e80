/*
 * The module's exports. Addresses are byte offsets in the imported memory; negative
 * results are errors. src/datapath/wasm.ts declares their types for TypeScript.
 */
import { clearAccounting, initAccounting } from "./accounting";
import { clearConntrack, initConntrack } from "./conntrack";
import { clearEndpointConfigs, initEndpointConfigs } from "./endpoint_config";
import { initEndpoints, resetEndpoints } from "./endpoints";
import { clearEvents, clearMetrics, clearReported, initEvents } from "./events";
import { initEpoch } from "./epoch";
import { clearFragments, initFragments } from "./fragment";
import { initImageBuilder } from "./image_builder";
import { initImageStore } from "./image_store";
import { resetIpcache } from "./ipcache";
import { clearRedirects, initRedirects } from "./proxy";
import { addArea, enterWorker, workerCount } from "./worker";

export { clearAccounting } from "./accounting";
export { trieRoot } from "./address_trie";
export { allocate, allocatePages, release } from "./arena";
export { errorDetail } from "./build_error";
export { firstDifference } from "./compare";
export { clearConntrack } from "./conntrack";
export { collectConntrack } from "./conntrack_collection";
export { classifyPackets, lookupPolicies } from "./classify";
export { runPackets, runShare } from "./emulator";
export { endpointConfig } from "./endpoint_config";
export { endpointPolicy, policyTable, setPolicyTable } from "./endpoints";
export {
  clearEvents,
  clearMetrics,
  clearReported,
  eventsAddress,
  eventsBytes,
  eventsLost,
  metricsAddress,
} from "./events";
export { reclaimImages, retireImage } from "./epoch";
export { clearFragments } from "./fragment";
export { differingEntry, differingEvent, differingPacket, forgetTraffic } from "./fuzz_compare";
export {
  clearCoverage,
  coverageCount,
  coverageCounters,
  coverEvents,
  coverFlows,
  lruPressure,
  runCovered,
} from "./fuzz_coverage";
export { fuzzClock, generatePackets, startFuzz } from "./fuzz_generate";
export { setFuzzList } from "./fuzz_world";
export { buildImage } from "./image_builder";
export {
  changedSpanCount,
  changedSpans,
  clearSlot,
  extendImage,
  freeImage,
} from "./image_extension";
export { imageDirectory, imageOf, linesOf } from "./image_store";
export { ipcacheBytes, lookupAddresses, prefixLengths, useAddressTrie } from "./ipcache";
export { redirectPort } from "./proxy";
export {
  addressStaging,
  arrayKeys,
  removeIpcache,
  removeIpcacheCidr,
  setEndpoint,
  tableCount,
  tableDescriptor,
  tableKeys,
  tableValues,
  upsertIdentity,
  upsertIpcache,
  upsertIpcacheCidr,
  upsertLocalEndpoint,
} from "./tables";
export { enterWorker } from "./worker";

/**
 * Allocates everything whose size is fixed. Call once for a memory, in one instance, which is
 * then its only writer. Returns whether memory sufficed.
 *
 * @param workers Instances that will run packets, 1 to MAX_WORKERS; 1 in the plain build. Each
 * tracks its share of the flows.
 */
export function initialize(workers: u32): bool {
  if (!initImageStore() || !initImageBuilder() || !initEndpoints()) return false;
  if (!initEndpointConfigs() || !initRedirects() || !initEpoch()) return false;
  for (let worker: u32 = 0; worker < workers; ++worker) {
    if (!addArea() || !enterWorker(worker)) return false;
    if (!initEvents() || !initConntrack(workers) || !initFragments(workers)) return false;
    if (!initAccounting()) return false;
  }
  enterWorker(0);
  resetIpcache();
  resetEndpoints();
  return true;
}

/** Empties all tables, and what packets have left behind in each worker. Images stay. */
export function resetTables(): void {
  resetIpcache();
  resetEndpoints();
  clearEndpointConfigs();
  clearRedirects();
  for (let worker: u32 = 0; worker < workerCount(); ++worker) {
    enterWorker(worker);
    clearConntrack();
    clearFragments();
    clearMetrics();
    clearEvents();
    clearReported();
    clearAccounting();
  }
  enterWorker(0);
}
