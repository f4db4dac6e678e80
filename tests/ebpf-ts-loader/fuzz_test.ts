import { assert } from "@std/assert";
import { inputAt, tryInput } from "./fuzz/inputs.ts";

const RUNS = 2000;

Deno.test("changed objects and BTF are read or refused, with errors of the loader's own", () => {
  const seed = Number(
    Deno.env.get("EBPF_FUZZ_SEED") ?? crypto.getRandomValues(new Uint32Array(1))[0],
  );
  console.log(`EBPF_FUZZ_SEED=${seed}`);
  const outcomes = new Set<string>();
  for (let index = 0; index < RUNS; index++) {
    const input = inputAt(seed, index);
    try {
      outcomes.add(tryInput(input));
    } catch (error) {
      throw new Error(`Cannot read input --seed ${seed} --at ${index} of fuzz.ts`, {
        cause: error,
      });
    }
  }
  assert(outcomes.has("accepted") && outcomes.has("refused"));
});
