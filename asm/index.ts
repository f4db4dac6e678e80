/*
 * The module's exports. Addresses are byte offsets in the imported memory; negative
 * results are errors. src/datapath/wasm.ts declares their types for TypeScript.
 */
import { clearAccounting, initAccounting } from "./accounting";
import { clearConntrack, initConntrack } from "./conntrack";
import { clearEndpointConfigs, initEndpointConfigs } from "./endpoint_config";
import { initEndpoints, resetEndpoints } from "./endpoints";
import { clearEvents, clearMetrics, clearReported, initEvents } from "./events";
import { clearFragments, initFragments } from "./fragment";
import { initImageBuilder } from "./image_builder";
import { initImageStore } from "./image_store";
import { resetIpcache } from "./ipcache";
import { clearRedirects, initRedirects } from "./proxy";

export { clearAccounting } from "./accounting";
export { allocate, allocatePages, release } from "./arena";
export { errorDetail } from "./build_error";
export { firstDifference } from "./compare";
export { clearConntrack } from "./conntrack";
export { collectConntrack } from "./conntrack_collection";
export { classifyPackets, lookupPolicies, runPackets } from "./emulator";
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
export { clearFragments } from "./fragment";
export { buildImage } from "./image_builder";
export { changedSpanCount, changedSpans, clearSlot, extendImage } from "./image_extension";
export { freeImage, imageDirectory, imageOf, linesOf } from "./image_store";
export { lookupAddresses, prefixLengths } from "./ipcache";
export { redirectPort } from "./proxy";
export {
  addressStaging,
  arrayKeys,
  removeIpcache,
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

/** Allocates everything whose size is fixed. Call once. Returns whether memory sufficed. */
export function initialize(): bool {
  if (!initImageStore() || !initImageBuilder() || !initEndpoints()) return false;
  if (!initEndpointConfigs() || !initEvents() || !initConntrack() || !initFragments()) return false;
  if (!initRedirects() || !initAccounting()) return false;
  resetIpcache();
  resetEndpoints();
  return true;
}

/** Empties all tables, conntrack, metrics and events. Images stay. */
export function resetTables(): void {
  resetIpcache();
  resetEndpoints();
  clearEndpointConfigs();
  clearRedirects();
  clearConntrack();
  clearFragments();
  clearMetrics();
  clearEvents();
  clearReported();
  clearAccounting();
}
