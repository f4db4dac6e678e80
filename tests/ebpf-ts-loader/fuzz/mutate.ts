import type { Random } from "./random.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type Mutation = (bytes: Bytes, random: Random, other: Bytes) => Bytes;

/** Words that break arithmetic: limits, signs, off-by-one sizes. */
const NASTY = [0, 1, 2, 7, 8, 9, 15, 16, 24, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x10000]
  .concat([0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff, 0x01000000, 0x0f000001]);

function word(random: Random): number {
  switch (random.below(4)) {
    case 0:
      return random.pick(NASTY);
    case 1:
      return random.below(0x100);
    case 2:
      return random.below(0x4000);
    default:
      return random.word();
  }
}

/** Changes a number where one may stand: at a multiple of its size. */
const changeNumber: Mutation = (bytes, random) => {
  const size = random.pick([1, 2, 4, 4, 4, 8]);
  const offset = random.below(Math.floor(bytes.length / size)) * size;
  if (offset + size > bytes.length) return bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const little = random.below(8) > 0;
  if (size === 1) view.setUint8(offset, word(random));
  else if (size === 2) view.setUint16(offset, word(random), little);
  else if (size === 4) view.setUint32(offset, word(random), little);
  else view.setBigUint64(offset, BigInt(word(random)), little);
  return bytes;
};

/** Adds a little to a number: the neighbour of what is right. */
const nudgeNumber: Mutation = (bytes, random) => {
  const offset = random.below(bytes.length >> 2) * 4;
  if (offset + 4 > bytes.length) return bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setUint32(offset, view.getUint32(offset, true) + random.below(9) - 4, true);
  return bytes;
};

const flipBit: Mutation = (bytes, random) => {
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
  return bytes;
};

const truncate: Mutation = (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1));

/** Copies a piece over another place of the file: types that refer to each other. */
const copyInside: Mutation = (bytes, random) => {
  const length = 4 * (1 + random.below(32));
  const from = random.below(bytes.length >> 2) * 4;
  const to = random.below(bytes.length >> 2) * 4;
  bytes.copyWithin(to, from, Math.min(from + length, bytes.length));
  return bytes;
};

const copyFromOther: Mutation = (bytes, random, other) => {
  const length = 4 * (1 + random.below(64));
  const from = random.below(other.length);
  const piece = other.subarray(from, from + length);
  const to = random.below(Math.max(bytes.length - piece.length, 0));
  if (to + piece.length <= bytes.length) bytes.set(piece, to);
  return bytes;
};

const removePiece: Mutation = (bytes, random) => {
  const from = random.below(bytes.length);
  const length = 1 + random.below(64);
  const rest = new Uint8Array(Math.max(bytes.length - length, from));
  rest.set(bytes.subarray(0, from));
  rest.set(bytes.subarray(Math.min(from + length, bytes.length)), from);
  return rest;
};

const MUTATIONS: readonly Mutation[] = [
  changeNumber,
  changeNumber,
  changeNumber,
  changeNumber,
  nudgeNumber,
  nudgeNumber,
  flipBit,
  copyInside,
  copyFromOther,
  truncate,
  removePiece,
];

/** A changed copy: one to six mutations, most often few, so that most of the file stays right. */
export function mutate(original: Bytes, other: Bytes, random: Random): Bytes {
  let bytes = original.slice();
  const count = 1 + Math.min(random.below(6), random.below(6));
  for (let round = 0; round < count && bytes.length > 0; round++) {
    bytes = random.pick(MUTATIONS)(bytes, random, other);
  }
  return bytes;
}
