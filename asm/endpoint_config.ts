import { allocateZeroed } from "./arena";
import { MAX_ENDPOINTS } from "./layout";

/*
 * Constants of the endpoint whose program runs: what bpf/config.h patches into .rodata.
 *
 *   config  ┌ present ┬ ifindex ┬ ipv4 ┬ events ┐  u32 each
 *           ├ ipv6 (16 bytes) ──────────────────┤
 *           ├ event interval ┬ unused (12 bytes) ┤
 */

const NANOSECONDS_PER_SECOND: u64 = 1000000000;
const CONFIG_SIZE: usize = 48;
const IFINDEX_OFF: usize = 4;
const IPV4_OFF: usize = 8;
const EVENTS_OFF: usize = 12;
const IPV6_OFF: usize = 16;
const EVENT_INTERVAL_OFF: usize = 32;

/** Address of the array, in memory: every worker reads it. */
const configs: usize = memory.data(4, 4);
/** Of the program that runs. */
let current: usize = 0;
let currentId: u32 = 0;
let clock: u64 = 0;
/** The clock's seconds: a division that packets of one time share. */
let seconds: u32 = 0;

export function initEndpointConfigs(): bool {
  const array = allocateZeroed(<usize>MAX_ENDPOINTS * CONFIG_SIZE);
  store<u32>(configs, <u32>array);
  return array != 0;
}

export function clearEndpointConfigs(): void {
  memory.fill(endpointConfig(0), 0, <usize>MAX_ENDPOINTS * CONFIG_SIZE);
}

/** Address of an endpoint's constants. The id is known to be in range. */
// @ts-ignore: decorator
@inline
export function endpointConfig(id: u32): usize {
  return <usize>load<u32>(configs) + <usize>id * CONFIG_SIZE;
}

/** Gives an endpoint its programs. `ipv6` points to 16 bytes. */
export function configureEndpoint(
  id: u32,
  ifindex: u32,
  ipv4: u32,
  ipv6: usize,
  events: u32,
  eventInterval: u32,
): void {
  const config = endpointConfig(id);
  store<u32>(config, 1);
  store<u32>(config, ifindex, IFINDEX_OFF);
  store<u32>(config, ipv4, IPV4_OFF);
  store<u32>(config, events, EVENTS_OFF);
  store<u32>(config, eventInterval, EVENT_INTERVAL_OFF);
  v128.store(config, v128.load(ipv6), IPV6_OFF);
}

/** Makes the endpoint's constants current. Returns false if it has no programs. */
// @ts-ignore: decorator
@inline
export function enterEndpoint(id: u32): bool {
  if (id >= MAX_ENDPOINTS) return false;
  const config = endpointConfig(id);
  if (!load<u32>(config)) return false;
  current = config;
  currentId = id;
  return true;
}

// @ts-ignore: decorator
@inline
export function endpointId(): u32 {
  return currentId;
}

// @ts-ignore: decorator
@inline
export function endpointIfindex(): u32 {
  return load<u32>(current, IFINDEX_OFF);
}

// @ts-ignore: decorator
@inline
export function endpointIpv4(): u32 {
  return load<u32>(current, IPV4_OFF);
}

/** Address of the 16 bytes. */
// @ts-ignore: decorator
@inline
export function endpointIpv6(): usize {
  return current + IPV6_OFF;
}

// @ts-ignore: decorator
@inline
export function wantsEvents(mask: u32): bool {
  return (load<u32>(current, EVENTS_OFF) & mask) != 0;
}

/** Seconds for which events are held back; 0: no aggregation. */
// @ts-ignore: decorator
@inline
export function eventInterval(): u32 {
  return load<u32>(current, EVENT_INTERVAL_OFF);
}

/** The ambient clock, ns: each packet brings its own time. */
// @ts-ignore: decorator
@inline
export function now(): u64 {
  return clock;
}

/** The same in seconds, as lifetimes are told. */
// @ts-ignore: decorator
@inline
export function nowSeconds(): u32 {
  return seconds;
}

// @ts-ignore: decorator
@inline
export function setNow(nanoseconds: u64): void {
  if (nanoseconds == clock) return;
  clock = nanoseconds;
  seconds = <u32>(nanoseconds / NANOSECONDS_PER_SECOND);
}
