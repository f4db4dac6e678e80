/** In a cell: not known here, ask the tables. */
export const ELSEWHERE = 0n;

/** Entries from which on 256 addresses get a block of their own, and below which they lose it. */
export const DENSE = 8;
const SPARSE = 4;

/** Tells whether a block is not worth its 2 KiB any more. */
export function isSparse(entries: number): boolean {
  return entries < SPARSE;
}

/** Counts in a map that holds no zeros. */
export function addTo<Key>(counts: Map<Key, number>, key: Key, change: number): void {
  const count = (counts.get(key) ?? 0) + change;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
