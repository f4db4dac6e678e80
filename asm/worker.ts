import { allocate } from "./arena";
import { usePacketsOf } from "./packet";

/*
 * What each worker has for itself: the packet under way, and the tables that packets
 * write. One instance of the module is one worker; several share one memory (the build
 * with threads). The plain build has one worker at a fixed address, which folds away.
 *
 * Below the module's static data (asconfig.json, memoryBase), so that this address can
 * stand in a literal: only those fold.
 *
 *   area  ┌ epoch: a cache line, since the writer reads it ┐ 0
 *         ├ packet ┬ verdict ┬ quoted ─────────────────────┤ 64
 *         ├ tables: 32 bytes each ─────────────────────────┤ 256
 *         ├ metrics ┬ events ┬ event count ┬ lost ─────────┤ 448
 *         ├ keys and values under construction ────────────┤ 512
 *         ├ packets in a stage ────────────────────────────┤ 832
 *         ├ open image ────────────────────────────────────┤ 1856
 *         ├ flows ahead ───────────────────────────────────┤ 1920
 */
export const EPOCH_OFF: usize = 0;
export const PACKET_OFF: usize = 64;
export const VERDICT_OFF: usize = 144;
export const QUOTED_OFF: usize = 176;
export const CONNTRACK4_OFF: usize = 256;
export const CONNTRACK6_OFF: usize = 288;
export const FRAGMENTS4_OFF: usize = 320;
export const FRAGMENTS6_OFF: usize = 352;
export const ACCOUNTING_OFF: usize = 384;
export const REPORTED_OFF: usize = 416;
export const METRICS_OFF: usize = 448;
export const EVENTS_OFF: usize = 452;
export const EVENT_COUNT_OFF: usize = 456;
export const EVENTS_LOST_OFF: usize = 460;
export const CT_KEY_OFF: usize = 512;
export const CT_CREATED_OFF: usize = 576;
export const FRAGMENT_KEY_OFF: usize = 640;
export const FRAGMENT_VALUE_OFF: usize = 688;
export const ENDPOINT_LOOKUP_OFF: usize = 704;
export const ACCOUNTING_KEY_OFF: usize = 736;
export const ACCOUNTING_FIRST_OFF: usize = 752;
export const REPORTED_KEY_OFF: usize = 768;
export const REPORTED_LAST_OFF: usize = 784;
export const CIDR_KEY_OFF: usize = 800;
export const TOUCHED_OFF: usize = 824;
export const CLASSIFY_OFF: usize = 832;
export const OPEN_IMAGE_OFF: usize = 1856;
export const FLOWS_OFF: usize = 1920;
const AREA_SIZE: usize = 3968;

/** Workers that one memory has room for. */
export const MAX_WORKERS: u32 = 64;

/** The area of this instance's worker. */
export let own: usize = 1024;

/** Areas of all workers, u32 each; the first is the plain build's only one. */
const areas: usize = memory.data(256, 64);
/** How many there are, u32. */
const areaCount: usize = memory.data(4, 4);

export function workerCount(): u32 {
  return load<u32>(areaCount);
}

/** Address of a worker's area; its number is known to be in range. */
export function workerArea(worker: u32): usize {
  return <usize>load<u32>(areas + (<usize>worker << 2));
}

/** Number of this instance's worker. */
export let ownNumber: u32 = 0;

/** Gives the next worker an area of zeros. Returns false if there is no room. */
export function addArea(): bool {
  const worker = workerCount();
  if (worker == MAX_WORKERS) return false;
  const area = worker ? allocate(AREA_SIZE) : own;
  if (!area) return false;
  memory.fill(area, 0, AREA_SIZE); // no data segment covers the first
  store<u32>(areas + (<usize>worker << 2), <u32>area);
  store<u32>(areaCount, worker + 1);
  return true;
}

/**
 * Makes this instance a worker: what packets write, and what is asked about it, is that
 * worker's from now on. Returns false if there is no such worker. The plain build has only one.
 */
export function enterWorker(worker: u32): bool {
  if (worker >= workerCount()) return false;
  if (!ASC_FEATURE_THREADS) return true;
  own = workerArea(worker);
  ownNumber = worker;
  usePacketsOf(own);
  return true;
}
