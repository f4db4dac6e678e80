import { PORT_BITS } from "./map_state.ts";

/** An aligned block of ports: those that share the first `portPrefix` bits of `port`. */
export interface PortBlock {
  readonly port: number;
  /** 0 to 16; 0 is every port, 16 a single one. */
  readonly portPrefix: number;
}

/**
 * Splits a range of ports into the fewest aligned blocks, in ascending order.
 * 8080–8095 is one block; no range needs more than 30.
 *
 * @param first First port, 0 to 65535.
 * @param last Last port, inclusive, `first` to 65535.
 * @throws {RangeError} when the range is empty or out of bounds.
 */
export function portBlocks(first: number, last: number): PortBlock[] {
  if (
    !Number.isInteger(first) || !Number.isInteger(last) || first < 0 || last > 0xffff ||
    last < first
  ) {
    throw new RangeError(
      `Cannot split port range "${first}-${last}": not a range, expected 0 <= first <= last <= 65535`,
    );
  }
  const blocks: PortBlock[] = [];
  let port = first;
  while (port <= last) {
    // The largest block that starts here: bounded by alignment and by what is left.
    const aligned = port === 0 ? PORT_BITS : trailingZeros(port);
    const fitting = 31 - Math.clz32(last - port + 1);
    const bits = Math.min(aligned, fitting);
    blocks.push({ port, portPrefix: PORT_BITS - bits });
    port += 1 << bits;
  }
  return blocks;
}

function trailingZeros(n: number): number {
  return 31 - Math.clz32(n & -n);
}
