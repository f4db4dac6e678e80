import { enterEndpoint, setNow } from "./endpoint_config";
import { announceEpoch, BURST, leaveEpoch } from "./epoch";
import {
  HOOK_FROM_CONTAINER,
  MAX_ENDPOINTS,
  PACKET_DATA_BYTES,
  PACKET_NOT_RUN,
  PACKET_SLOT_DATA_OFF,
  PACKET_SLOT_ENDPOINT_OFF,
  PACKET_SLOT_HOOK_OFF,
  PACKET_SLOT_LENGTH_OFF,
  PACKET_SLOT_MARK_OFF,
  PACKET_SLOT_NOW_OFF,
  PACKET_SLOT_PAD_OFF,
  PACKET_SLOT_SIZE,
  PACKET_SLOT_VERDICT_OFF,
} from "./layout";
import { copyWords } from "./copy";
import { ETH_HLEN } from "./net";
import { packetAhead, readAhead, touchFlows } from "./flow_touch";
import { fromContainer, mark, setMark, toContainer } from "./programs";
import { workerOf } from "./steering";
import { ownNumber, workerCount } from "./worker";

/*
 * Batches of packets through whole programs: what bpf/harness.bpf.c does in the kernel.
 */

/** Runs the packet in a slot, in place. */
function runPacket(slot: usize): void {
  const length = load<u32>(slot, PACKET_SLOT_LENGTH_OFF);
  if (length < ETH_HLEN || length > PACKET_DATA_BYTES) {
    // The harness gives such a packet to no program.
    store<i32>(slot, PACKET_NOT_RUN, PACKET_SLOT_VERDICT_OFF);
    return;
  }
  const data = slot + PACKET_SLOT_DATA_OFF;
  store<u32>(slot, 0, PACKET_SLOT_PAD_OFF);
  setNow(load<u64>(slot, PACKET_SLOT_NOW_OFF));
  setMark(load<u32>(slot, PACKET_SLOT_MARK_OFF));
  store<i32>(slot, runProgram(slot, data, length), PACKET_SLOT_VERDICT_OFF);
  store<u32>(slot, mark, PACKET_SLOT_MARK_OFF);
}

/** Finds the program as the harness does: by endpoint id × 2 + hook. */
function runProgram(slot: usize, data: usize, length: u32): i32 {
  const index = load<u32>(slot, PACKET_SLOT_ENDPOINT_OFF) * 2 +
    load<u32>(slot, PACKET_SLOT_HOOK_OFF);
  if (index >= MAX_ENDPOINTS * 2 || !enterEndpoint(index >> 1)) return PACKET_NOT_RUN;
  if ((index & 1) == HOOK_FROM_CONTAINER) return fromContainer(data, length);
  return toContainer(data, length);
}

/** Whether the packet in a slot is this worker's, of so many. */
// @ts-ignore: decorator
@inline
function isOwn(slot: usize, workers: u32): bool {
  return workers == 1 || workerOf(slot, workers) == ownNumber;
}

/**
 * Runs those packets of `input` that are this worker's, of so many, in order. Each is read ahead
 * when the one a burst before it has run, under whose number it comes.
 */
// @ts-ignore: decorator
@inline
function runOwn(input: usize, count: u32, output: usize, workers: u32): void {
  const end = input + <usize>count * PACKET_SLOT_SIZE;
  let ahead = input;
  let burst: u32 = 0;
  for (; burst < BURST && ahead < end; ahead += PACKET_SLOT_SIZE) {
    if (isOwn(ahead, workers)) readAhead(ahead, burst++);
  }
  while (burst) {
    announceEpoch();
    touchFlows(burst);
    let next: u32 = 0;
    for (let i: u32 = 0; i < burst; ++i) {
      const from = packetAhead(i);
      const slot = output + (from - input);
      if (input != output) copyWords(slot, from, PACKET_SLOT_SIZE);
      runPacket(slot);
      while (ahead < end && !isOwn(ahead, workers)) ahead += PACKET_SLOT_SIZE;
      if (ahead == end) continue;
      readAhead(ahead, next++);
      ahead += PACKET_SLOT_SIZE;
    }
    burst = next;
  }
  leaveEpoch();
}

/**
 * Runs `count` packets of `input`, in order, and leaves what became of them in `output`, which
 * is `input` or somewhere else.
 */
export function runPackets(input: usize, count: u32, output: usize): void {
  runOwn(input, count, output, 1);
}

/**
 * Runs this worker's share of the packets, in order: those that {@linkcode workerOf} gives to
 * it. When all workers have done so, each packet has run once.
 */
export function runShare(input: usize, count: u32, output: usize): void {
  runOwn(input, count, output, workerCount());
}
