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
import { flowAt, flowPacket, readAhead, touchFlows } from "./flow_ahead";
import { fromContainer, mark, setMark, toContainer } from "./programs";
import { workerOf } from "./steering";
import { ownNumber, workerCount } from "./worker";

/*
 * Batches of packets through whole programs: what bpf/harness.bpf.c does in the kernel.
 */

/*
 * A slot before its packet in two loads and one store, of 16 bytes each: each access is compared
 * with the end of memory.
 */
// @ts-ignore: decorator
@inline
const NOW_LANE: u8 = <u8>(PACKET_SLOT_NOW_OFF >> 3);
// @ts-ignore: decorator
@inline
const ENDPOINT_LANE: u8 = <u8>(PACKET_SLOT_ENDPOINT_OFF >> 2);
// @ts-ignore: decorator
@inline
const HOOK_LANE: u8 = <u8>(PACKET_SLOT_HOOK_OFF >> 2);
// @ts-ignore: decorator
@inline
const LENGTH_LANE: u8 = 0;
// @ts-ignore: decorator
@inline
const MARK_LANE: u8 = <u8>((PACKET_SLOT_MARK_OFF - PACKET_SLOT_LENGTH_OFF) >> 2);
// @ts-ignore: decorator
@inline
const VERDICT_LANE: u8 = <u8>((PACKET_SLOT_VERDICT_OFF - PACKET_SLOT_LENGTH_OFF) >> 2);
// @ts-ignore: decorator
@inline
const PAD_LANE: u8 = <u8>((PACKET_SLOT_PAD_OFF - PACKET_SLOT_LENGTH_OFF) >> 2);

/** Runs the packet in a slot, in place. */
// @ts-ignore: decorator
@inline
function runPacket(slot: usize, flow: usize): void {
  const head = v128.load(slot);
  const rest = v128.load(slot, PACKET_SLOT_LENGTH_OFF);
  const length = <u32>i32x4.extract_lane(rest, LENGTH_LANE);
  if (length < ETH_HLEN || length > PACKET_DATA_BYTES) {
    // The harness gives such a packet to no program.
    store<i32>(slot, PACKET_NOT_RUN, PACKET_SLOT_VERDICT_OFF);
    return;
  }
  setNow(<u64>i64x2.extract_lane(head, NOW_LANE));
  setMark(<u32>i32x4.extract_lane(rest, MARK_LANE));
  const index = <u32>i32x4.extract_lane(head, ENDPOINT_LANE) * 2 +
    <u32>i32x4.extract_lane(head, HOOK_LANE);
  const verdict = runProgram(index, slot + PACKET_SLOT_DATA_OFF, length, flow);
  const marked = i32x4.replace_lane(i32x4.replace_lane(rest, PAD_LANE, 0), MARK_LANE, <i32>mark);
  v128.store(slot, i32x4.replace_lane(marked, VERDICT_LANE, verdict), PACKET_SLOT_LENGTH_OFF);
}

/** Finds the program as the harness does: by endpoint id × 2 + hook. */
// @ts-ignore: decorator
@inline
function runProgram(index: u32, data: usize, length: u32, flow: usize): i32 {
  if (index >= MAX_ENDPOINTS * 2 || !enterEndpoint(index >> 1)) return PACKET_NOT_RUN;
  if ((index & 1) == HOOK_FROM_CONTAINER) return fromContainer(data, length, flow);
  return toContainer(data, length, flow);
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
    if (isOwn(ahead, workers)) readAhead(ahead, flowAt(burst++));
  }
  while (burst) {
    announceEpoch();
    touchFlows(burst);
    let next: u32 = 0;
    for (let i: u32 = 0; i < burst; ++i) {
      const flow = flowAt(i);
      const from = flowPacket(flow);
      const slot = output + (from - input);
      if (input != output) copyWords(slot, from, PACKET_SLOT_SIZE);
      runPacket(slot, flow);
      while (ahead < end && !isOwn(ahead, workers)) ahead += PACKET_SLOT_SIZE;
      if (ahead == end) continue;
      readAhead(ahead, flowAt(next++));
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
