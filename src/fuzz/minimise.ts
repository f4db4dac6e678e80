/**
 * Leaves out of a list what is not needed for it to fail (delta debugging's complements; Zeller
 * and Hildebrandt 2002). What is left fails, and fails no longer without any one of its items,
 * unless the trials were used up.
 *
 * @param fails Tells whether a list fails; the whole one does.
 * @param trials Most lists to try.
 */
export async function minimise<T>(
  items: readonly T[],
  fails: (items: readonly T[]) => Promise<boolean>,
  trials: number,
): Promise<readonly T[]> {
  let left = items;
  let parts = 2;
  let tried = 0;
  while (left.length > 0 && tried < trials) {
    const size = Math.ceil(left.length / parts);
    let smaller: readonly T[] | undefined;
    // The end of a list comes after the failure more often than its begin.
    for (let end = left.length; end > 0 && tried < trials; end -= size) {
      const rest = [...left.slice(0, Math.max(0, end - size)), ...left.slice(end)];
      tried++;
      if (!(await fails(rest))) continue;
      smaller = rest;
      break;
    }
    if (smaller !== undefined) {
      left = smaller;
      parts = Math.max(2, parts - 1);
    } else if (size === 1) {
      break;
    } else {
      parts = Math.min(left.length, parts * 2);
    }
  }
  return left;
}
