const MAX_NAME = 64;

/** What was probably meant: the known name with the fewest differences, or undefined. */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  // A third of the letters may be wrong.
  let limit = Math.max(1, Math.floor(name.length / 3)) + 1;
  if (name.length > MAX_NAME) return undefined;
  for (const each of known) {
    if (each.length > MAX_NAME) continue;
    const distance = editDistance(name.toLowerCase(), each.toLowerCase());
    if (distance >= limit) continue;
    limit = distance;
    best = each;
  }
  return best;
}

/** ` (did you mean "x"?)`, or nothing. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const nearest = nearestName(name, known);
  return nearest === undefined ? "" : ` (did you mean "${nearest}"?)`;
}

/** Insertions, removals and changes of one letter that lead from `a` to `b`. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const change = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(change, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
