/**
 * The hash tables that packets leave behind, and where those of two datapaths differ.
 *
 * @module
 */
import type { Datapath } from "../datapath/datapath.ts";
import {
  ACCOUNTING_KEY_SIZE,
  CT4_KEY_SIZE,
  CT6_KEY_SIZE,
  CT_ENTRY_SIZE,
  MAX_ACCOUNTING,
  MAX_CONNTRACK_SEEN_BY_TESTS,
  METRICS_VALUE_SIZE,
} from "../datapath/layout.ts";
import { toHex } from "./bytes.ts";

/** A copy of a table; entry i has key i and value i, in no particular order. */
export interface TableDump {
  readonly name: string;
  readonly keySize: number;
  readonly valueSize: number;
  /** With more entries than this, datapaths may have evicted different ones. */
  readonly comparable: number;
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
}

/** Copies every table of a datapath that its programs write. */
export function tablesOf(datapath: Datapath): TableDump[] {
  const { keys4, values4, keys6, values6 } = datapath.conntrack();
  const conntrack = { valueSize: CT_ENTRY_SIZE, comparable: MAX_CONNTRACK_SEEN_BY_TESTS };
  return [
    { name: "conntrack4", keySize: CT4_KEY_SIZE, ...conntrack, keys: keys4, values: values4 },
    { name: "conntrack6", keySize: CT6_KEY_SIZE, ...conntrack, keys: keys6, values: values6 },
    {
      name: "accounting",
      keySize: ACCOUNTING_KEY_SIZE,
      valueSize: METRICS_VALUE_SIZE,
      comparable: MAX_ACCOUNTING / 2,
      ...datapath.accounting(),
    },
  ];
}

/** Lines of one table; a fault makes very many, and a few tell enough. */
const MOST_LINES = 20;

/** A copy, and the name of the datapath that it is of. */
export type NamedDump = readonly [owner: string, dump: TableDump];

/** Says which entries of the same table differ, one line each. */
export function tableDifferences([a, inA]: NamedDump, [b, inB]: NamedDump): string[] {
  if (countOf(inA) > inA.comparable || countOf(inB) > inB.comparable) return [];
  if (tableDigest(inA) === tableDigest(inB)) return [];
  const [entriesA, entriesB] = [entriesOf(inA), entriesOf(inB)];
  const differences: string[] = [];
  for (const key of new Set([...entriesA.keys(), ...entriesB.keys()])) {
    const x = entriesA.get(key) ?? "absent";
    const y = entriesB.get(key) ?? "absent";
    if (x !== y) differences.push(`${inA.name} ${key}: ${a} ${x}, ${b} ${y}`);
    if (differences.length === MOST_LINES) break;
  }
  return differences;
}

function countOf({ keys, keySize }: TableDump): number {
  return keys.length / keySize;
}

/**
 * A text that is the same for the same entries in any order: their number, and the sum of a
 * hash of each (FNV-1a over words, 2 × 32 bits). Tables are large and nearly always equal.
 */
export function tableDigest(dump: TableDump): string {
  const { keys, values, keySize, valueSize } = dump;
  const keyWords = new Int32Array(keys.buffer, keys.byteOffset, keys.length >> 2);
  const valueWords = new Int32Array(values.buffer, values.byteOffset, values.length >> 2);
  const count = countOf(dump);
  const perKey = keySize >> 2;
  const perValue = valueSize >> 2;
  let low = 0;
  let high = 0;
  for (let i = 0; i < count; i++) {
    let x = 0x811c9dc5;
    let y = 0x9747b28c;
    const mix = (word: number) => {
      x = Math.imul(x ^ word, 0x01000193);
      x ^= x >>> 15;
      y = Math.imul(y ^ word, 0x85ebca6b);
      y ^= y >>> 13;
    };
    for (let w = 0; w < perKey; w++) mix(keyWords[i * perKey + w] ?? 0);
    for (let w = 0; w < perValue; w++) mix(valueWords[i * perValue + w] ?? 0);
    low = low + x | 0;
    high = high + y | 0;
  }
  return `${count} ${low} ${high}`;
}

/** Entries in hexadecimal, by key: the order of a dump means nothing. */
function entriesOf({ keys, values, keySize, valueSize }: TableDump): Map<string, string> {
  const entries = new Map<string, string>();
  for (let i = 0; i * keySize < keys.length; i++) {
    entries.set(
      toHex(keys.subarray(i * keySize, (i + 1) * keySize)),
      toHex(values.subarray(i * valueSize, (i + 1) * valueSize)),
    );
  }
  return entries;
}
