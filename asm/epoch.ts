import { allocate } from "./arena";
import { freeImage } from "./image_extension";
import { TABLES } from "./image_store";
import { EPOCH_OFF, own, workerArea, workerCount } from "./worker";

/*
 * When an image that was replaced may be reused: epoch-based reclamation (Fraser, Practical
 * lock-freedom, 2004, 5.2.3), with one writer. A worker announces the epoch in which it
 * begins a few packets, and 0 when it runs none. The writer publishes, then advances the
 * epoch; who announces the new one, or nothing, can no longer reach what was replaced.
 *
 *   retired  ┌ table (u32) ┬ unused ┬ epoch (u64) ┐  a ring, oldest first
 *
 * Loads and stores here are sequentially consistent. Otherwise a worker could load a policy's
 * table before the writer sees its announcement.
 */

/** Packets between two announcements: few, so that grace periods are microseconds. */
export const BURST: u32 = 64;
const RETIRED_SIZE: usize = 16;
const RETIRED_EPOCH_OFF: usize = 8;

/** The current epoch (u64); never 0. On a cache line of its own: every worker reads it. */
const epoch: usize = memory.data(64, 64);

let retired: usize = 0;
/** Counts of all that was retired and freed: positions in the ring modulo TABLES. */
let retiredCount: u32 = 0;
let freedCount: u32 = 0;

export function initEpoch(): bool {
  if (!ASC_FEATURE_THREADS) return true;
  retired = allocate(<usize>TABLES * RETIRED_SIZE);
  store<u64>(epoch, 1);
  return retired != 0;
}

/** Before a burst: what this worker loads from now on stays until it announces again. */
// @ts-ignore: decorator
@inline
export function announceEpoch(): void {
  if (ASC_FEATURE_THREADS) atomic.store<u64>(own, atomic.load<u64>(epoch), EPOCH_OFF);
}

/** After the last burst: this worker holds nothing. */
// @ts-ignore: decorator
@inline
export function leaveEpoch(): void {
  if (ASC_FEATURE_THREADS) atomic.store<u64>(own, 0, EPOCH_OFF);
}

/** The oldest epoch that a worker is in, or the current one. */
function oldestEpoch(): u64 {
  let oldest = load<u64>(epoch);
  for (let worker: u32 = 0, count = workerCount(); worker < count; ++worker) {
    const announced = atomic.load<u64>(workerArea(worker), EPOCH_OFF);
    if (announced && announced < oldest) oldest = announced;
  }
  return oldest;
}

/**
 * Frees what no worker can reach any more, oldest first. Returns how many images wait still.
 * Only the writer calls it.
 */
export function reclaimImages(): u32 {
  if (!ASC_FEATURE_THREADS) return 0;
  if (freedCount == retiredCount) return 0;
  const oldest = oldestEpoch();
  while (freedCount != retiredCount) {
    const entry = retired + <usize>(freedCount % TABLES) * RETIRED_SIZE;
    if (load<u64>(entry, RETIRED_EPOCH_OFF) > oldest) break;
    freeImage(load<u32>(entry));
    freedCount += 1;
  }
  return retiredCount - freedCount;
}

/**
 * Frees an image that no policy names any more, once every worker has passed. Returns how
 * many images wait for that. Only the writer calls it, once for a table: so the ring, which
 * has room for every table, is never full.
 */
export function retireImage(table: u32): u32 {
  if (!ASC_FEATURE_THREADS) {
    freeImage(table);
    return 0;
  }
  const entry = retired + <usize>(retiredCount % TABLES) * RETIRED_SIZE;
  store<u32>(entry, table);
  store<u64>(entry, atomic.add<u64>(epoch, 1) + 1, RETIRED_EPOCH_OFF);
  retiredCount += 1;
  return reclaimImages();
}
