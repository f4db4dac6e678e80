const SECOND = 1_000_000_000n;
/** Bit of `if_tsresol` that says: a power of 2, not of 10. */
const POWER_OF_TWO = 0x80;
const MICROSECONDS = 6;

/**
 * How an interface of a pcapng file tells the time: `if_tsresol` as its byte, `if_tsoffset` in
 * seconds. The result turns ticks into nanoseconds since 1970, rounded down.
 */
export function timestampUnit(
  resolution: number = MICROSECONDS,
  offset = 0n,
): (ticks: bigint) => bigint {
  const exponent = BigInt(resolution & ~POWER_OF_TWO);
  const perSecond = resolution & POWER_OF_TWO ? 1n << exponent : 10n ** exponent;
  return (ticks) => ticks * SECOND / perSecond + offset * SECOND;
}
