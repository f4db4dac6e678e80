import type { CapturedPacket } from "./capture.ts";
import { CaptureError } from "./capture_error.ts";
import { MAX_CAPTURED_BYTES } from "./limits.ts";

/*
 * draft-ietf-opsawg-pcap:
 *
 *   file    ┌ magic u32 ┬ version u16 u16 ┬ unused u64 ┬ longest packet u32 ┬ link type u32 ┐
 *   record  ┌ seconds u32 ┬ fraction u32 ┬ bytes captured u32 ┬ bytes on the wire u32 ┐ bytes …
 *
 * All in the byte order of the machine that wrote it; the magic number tells which.
 */

const HEADER_BYTES = 24;
const RECORD_BYTES = 16;
const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const MAGIC_NANOSECONDS = 0xa1b23c4d;
const MAJOR_VERSION = 2;
/** Before this minor version the two lengths of a record stood in the other order. */
const LENGTHS_AS_NOW = 3;
/** The rest of the word tells how long the frame check sequence is. */
const LINK_TYPE_MASK = 0x03ffffff;
const SECOND = 1_000_000_000n;

/** Tells whether a file begins as pcap does. */
export function isPcap(file: Uint8Array): boolean {
  return magicOf(file) !== undefined;
}

interface Magic {
  readonly littleEndian: boolean;
  readonly nanosecondsPerTick: bigint;
}

function magicOf(file: Uint8Array): Magic | undefined {
  if (file.length < 4) return undefined;
  for (const littleEndian of [true, false]) {
    const magic = viewOf(file).getUint32(0, littleEndian);
    if (magic === MAGIC_MICROSECONDS) return { littleEndian, nanosecondsPerTick: 1000n };
    if (magic === MAGIC_NANOSECONDS) return { littleEndian, nanosecondsPerTick: 1n };
  }
  return undefined;
}

/** Reads a file for which {@linkcode isPcap} holds. See `readCapture()`. */
export function* readPcap(file: Uint8Array, name: string): Generator<CapturedPacket> {
  const { littleEndian, nanosecondsPerTick } = magicOf(file) ??
    fail(name, "no magic number", "that of pcap");
  const view = viewOf(file);
  if (file.length < HEADER_BYTES) {
    fail(name, `${file.length} bytes`, `a file header of ${HEADER_BYTES} bytes`);
  }
  const major = view.getUint16(4, littleEndian);
  const minor = view.getUint16(6, littleEndian);
  if (major !== MAJOR_VERSION) fail(name, `pcap version ${major}.${minor}`, "2.4");
  const linkType = view.getUint32(20, littleEndian) & LINK_TYPE_MASK;

  let number = 1;
  for (let at = HEADER_BYTES; at < file.length; number++) {
    const left = file.length - at;
    if (left < RECORD_BYTES) {
      fail(name, `packet ${number} is cut off after ${left} bytes of its header`, "16 bytes");
    }
    const seconds = view.getUint32(at, littleEndian);
    const ticks = view.getUint32(at + 4, littleEndian);
    const { captured, original } = lengthsOf(view, at + 8, littleEndian, minor);
    if (captured > MAX_CAPTURED_BYTES) {
      fail(name, `packet ${number} has ${captured} bytes`, `at most ${MAX_CAPTURED_BYTES}`);
    }
    if (captured > left - RECORD_BYTES) {
      const got = left - RECORD_BYTES;
      fail(name, `packet ${number} is cut off after ${got} bytes`, `${captured} bytes`);
    }
    yield {
      number,
      linkType,
      time: BigInt(seconds) * SECOND + BigInt(ticks) * nanosecondsPerTick,
      data: file.subarray(at + RECORD_BYTES, at + RECORD_BYTES + captured),
      originalLength: Math.max(original, captured),
    };
    at += RECORD_BYTES + captured;
  }
}

function lengthsOf(view: DataView, at: number, littleEndian: boolean, minor: number) {
  const first = view.getUint32(at, littleEndian);
  const second = view.getUint32(at + 4, littleEndian);
  // Writers of version 2.3 did either; nothing captured is longer than what it is part of.
  const swapped = minor < LENGTHS_AS_NOW || (minor === LENGTHS_AS_NOW && first > second);
  return swapped ? { captured: second, original: first } : { captured: first, original: second };
}

function viewOf(file: Uint8Array): DataView {
  return new DataView(file.buffer, file.byteOffset, file.length);
}

function fail(name: string, state: string, expected: string): never {
  throw new CaptureError(name, state, expected);
}
