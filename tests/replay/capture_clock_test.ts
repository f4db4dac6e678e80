import { assertEquals } from "@std/assert";
import { CaptureClock } from "../../src/replay/capture_clock.ts";
import { START_OF_TIME } from "../../src/verify/packet_maker.ts";

function passed(times: readonly (bigint | undefined)[]): bigint[] {
  const clock = new CaptureClock();
  return times.map((time) => clock.at(time) - START_OF_TIME);
}

Deno.test("CaptureClock goes as the times of packets do", () => {
  assertEquals(passed([1_000n, 1_500n, 9_000_000_000n]), [0n, 500n, 8_999_999_000n]);
});

Deno.test("CaptureClock never goes back, and gives each packet a time of its own", () => {
  assertEquals(passed([1_000n, 1_000n, 5n, 1_001n, 1_010n]), [0n, 1n, 2n, 3n, 10n]);
});

Deno.test("CaptureClock goes on where packets have no time", () => {
  assertEquals(passed([undefined, undefined, 7n, 9n]), [0n, 1n, 2n, 3n]);
});

Deno.test("CaptureClock stays within what the programs' clock can tell", () => {
  const [, late = 0n] = passed([0n, 10n ** 40n]);
  assertEquals(late + START_OF_TIME < 2n ** 63n, true);
});
