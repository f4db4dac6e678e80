import { copyWords } from "./copy";
import {
  writeError,
  writeFlowPacket,
  writeFragment,
  writeGarbage,
  writeNeighbour,
} from "./fuzz_build";
import { Flow, nextTcpFlags, openFlow, pickFlow, startFlows } from "./fuzz_flow";
import { MUTATIONS, mutate } from "./fuzz_mutate";
import { below, oneIn, random32, random64, seedRandom } from "./fuzz_random";
import { hasCorpus, pickTemplate } from "./fuzz_world";
import {
  ETH_HLEN,
  ETH_P_IP_BE,
  ETH_P_IPV6_BE,
  ETH_PROTOCOL_OFF,
  IPV4_DADDR_OFF,
  IPV4_HLEN,
  IPV4_SADDR_OFF,
  IPV6_DADDR_OFF,
  IPV6_HLEN,
  IPV6_SADDR_OFF,
} from "./net";
import {
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
import { FRAGMENT_FIRST, FRAGMENT_LATER } from "./packet";

/*
 * Fills batches with packets of conversations in driven time. How a packet was made is left in
 * the slot's `pad`, which no program reads.
 */

export const MADE_OPEN: u32 = 0;
export const MADE_FORWARD: u32 = 1;
export const MADE_REPLY: u32 = 2;
export const MADE_CLOSE: u32 = 3;
export const MADE_ERROR: u32 = 4;
export const MADE_FIRST_FRAGMENT: u32 = 5;
export const MADE_LATER_FRAGMENT: u32 = 6;
export const MADE_NEIGHBOUR: u32 = 7;
export const MADE_GARBAGE: u32 = 8;
export const MADE_NOBODY: u32 = 9;
export const MADE_CORPUS: u32 = 10;
/** From here on: mutation number + this. */
export const MADE_MUTANT: u32 = 12;
export const MADE_COUNT: u32 = MADE_MUTANT + MUTATIONS;

/** Endpoint ids below this name an endpoint or nobody; see DIRECT_ENTRY of src/datapath/kernel.ts. */
const NOBODY: u32 = MAX_ENDPOINTS / 2;
/** Most nanoseconds between two packets: some 2 ms on average. */
const STEP: u64 = 0x3FFFFF;
const SECOND: u64 = 1000000000;

let clock: u64 = 0;
/** Of the packet under way. */
let made: u32 = 0;

/**
 * Begins a stream of packets: the same seed and start give the same ones.
 *
 * @param start Seconds of the driven clock.
 */
export function startFuzz(seedLow: u32, seedHigh: u32, start: u32): bool {
  seedRandom(<u64>seedHigh << 32 | <u64>seedLow);
  clock = <u64>start * SECOND;
  return startFlows();
}

/** Seconds of the driven clock. */
export function fuzzClock(): u32 {
  return <u32>(clock / SECOND);
}

/** Fills `count` slots. */
export function generatePackets(slots: usize, count: u32): void {
  for (let i: u32 = 0; i < count; ++i) generatePacket(slots + <usize>i * PACKET_SLOT_SIZE);
}

function generatePacket(slot: usize): void {
  passTime();
  store<u64>(slot, clock, PACKET_SLOT_NOW_OFF);
  store<i32>(slot, PACKET_NOT_RUN, PACKET_SLOT_VERDICT_OFF);
  const data = slot + PACKET_SLOT_DATA_OFF;
  let length = choosePacket(slot, data);
  if (oneIn(6)) {
    const kind = below(MUTATIONS);
    length = mutate(data, length, kind);
    if (oneIn(4)) length = mutate(data, length, below(MUTATIONS));
    made = MADE_MUTANT + kind;
  }
  store<u32>(slot, length, PACKET_SLOT_LENGTH_OFF);
  store<u32>(slot, made, PACKET_SLOT_PAD_OFF);
}

/** Seldom a flow's whole lifetime passes in silence. */
function passTime(): void {
  clock += 1 + (random64() & STEP);
  if (!oneIn(8192)) return;
  clock += SECOND * <u64>(oneIn(16) ? 8000 + below(100) : 1 + below(90));
}

function choosePacket(slot: usize, data: usize): u32 {
  const at = below(256);
  if (at < 34) {
    made = MADE_OPEN;
    return speak(slot, data, openFlow(), false, false);
  }
  const flow = pickFlow();
  if (at < 116) {
    made = MADE_FORWARD;
    return speak(slot, data, flow, false, false);
  }
  if (at < 198) {
    made = MADE_REPLY;
    return speak(slot, data, flow, true, false);
  }
  if (at < 212) {
    made = MADE_CLOSE;
    return speak(slot, data, flow, oneIn(2), true);
  }
  if (at < 230) return tellError(slot, data, flow);
  if (at < 242) return sendFragment(slot, data, flow);
  if (at < 254 && hasCorpus()) return sendTemplate(slot, data, flow);
  if (at < 250) {
    made = MADE_FORWARD;
    return speak(slot, data, flow, false, false);
  }
  address(slot, flow, oneIn(2));
  if (at < 252) {
    made = MADE_NEIGHBOUR;
    return writeNeighbour(data, flow);
  }
  if (at < 255) {
    made = MADE_GARBAGE;
    return writeGarbage(data);
  }
  made = MADE_NOBODY;
  store<u32>(slot, below(NOBODY), PACKET_SLOT_ENDPOINT_OFF);
  return writeFlowPacket(data, flow, false, 0);
}

/** Says which program the packet enters, and as whose. */
function address(slot: usize, flow: Flow, reply: bool): void {
  store<u32>(slot, reply ? flow.replyEndpoint : flow.endpoint, PACKET_SLOT_ENDPOINT_OFF);
  store<u32>(slot, <u32>(reply ? flow.replyHook : flow.hook), PACKET_SLOT_HOOK_OFF);
  const mark = reply ? (oneIn(64) ? random32() : 0) : flow.mark;
  store<u32>(slot, mark, PACKET_SLOT_MARK_OFF);
}

function speak(slot: usize, data: usize, flow: Flow, reply: bool, closing: bool): u32 {
  address(slot, flow, reply);
  const flags = nextTcpFlags(flow, reply, closing);
  if (flow.age < 255) flow.age += 1;
  return writeFlowPacket(data, flow, reply, flags);
}

/** Whoever sent the quoted packet is told, on the way that answers take to it. */
function tellError(slot: usize, data: usize, flow: Flow): u32 {
  const reply = oneIn(2);
  made = MADE_ERROR;
  address(slot, flow, !reply);
  return writeError(data, flow, reply);
}

function sendFragment(slot: usize, data: usize, flow: Flow): u32 {
  const reply = oneIn(4);
  const first = oneIn(3);
  made = first ? MADE_FIRST_FRAGMENT : MADE_LATER_FRAGMENT;
  address(slot, flow, reply);
  return writeFragment(data, flow, reply, first ? FRAGMENT_FIRST : FRAGMENT_LATER);
}

/** A packet of the corpus, mostly with the addresses of a conversation. */
function sendTemplate(slot: usize, data: usize, flow: Flow): u32 {
  const template = pickTemplate(PACKET_SLOT_SIZE);
  const length = load<u32>(template, PACKET_SLOT_LENGTH_OFF);
  const reply = oneIn(2);
  made = MADE_CORPUS;
  address(slot, flow, reply);
  copyWords(data, template + PACKET_SLOT_DATA_OFF, PACKET_DATA_BYTES);
  if (oneIn(4)) return length;
  const at = changetype<usize>(flow);
  const from = at + (reply ? 16 : 0);
  const to = at + (reply ? 0 : 16);
  const type: u32 = load<u16>(data, ETH_PROTOCOL_OFF);
  const ip = data + <usize>ETH_HLEN;
  if (type == ETH_P_IP_BE && flow.family == 4 && length >= ETH_HLEN + IPV4_HLEN) {
    store<u32>(ip, load<u32>(from), IPV4_SADDR_OFF);
    store<u32>(ip, load<u32>(to), IPV4_DADDR_OFF);
  }
  if (type == ETH_P_IPV6_BE && flow.family == 6 && length >= ETH_HLEN + IPV6_HLEN) {
    v128.store(ip, v128.load(from), IPV6_SADDR_OFF);
    v128.store(ip, v128.load(to), IPV6_DADDR_OFF);
  }
  return length;
}
