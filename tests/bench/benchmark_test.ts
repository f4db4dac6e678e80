import { assertThrows } from "@std/assert";
import { DisagreementError, mustAgree } from "../../bench/benchmark.ts";

Deno.test("mustAgree() names the first answer that differs", () => {
  const subject = BigUint64Array.of(1n, 2n, 0x30000000Fn);
  const baseline = BigUint64Array.of(1n, 2n, 0x10000000Fn);
  assertThrows(
    () => mustAgree("kernel.policy.1k", subject, baseline),
    DisagreementError,
    'Cannot measure "kernel.policy.1k": query 2 is answered 0x30000000f, ' +
      "expected the baseline's 0x10000000f",
  );
});

Deno.test("mustAgree() takes equal answers", () => {
  mustAgree("x", BigUint64Array.of(1n, 2n), BigUint64Array.of(1n, 2n));
});
