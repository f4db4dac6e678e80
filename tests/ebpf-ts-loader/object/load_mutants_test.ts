import fc from "fast-check";
import {
  cloneProgram,
  loadBtf,
  NotSupportedError,
  ObjectFormatError,
  prepare,
  type ProgramSpec,
  VerifierError,
} from "ebpf-ts-loader";
import { SyscallError } from "ebpf-ts-loader/sys";
import { assert } from "@std/assert";
import { fixture } from "../fixtures.ts";
import { kernelTest } from "../kernel.ts";

const NAMES = ["from_container", "loops", "ingress", "nested"] as const;

const edit = fc.record({ at: fc.nat(), value: fc.integer({ min: 0, max: 255 }) });

function changed(bytes: Uint8Array<ArrayBuffer>, edits: readonly { at: number; value: number }[]) {
  const copy = bytes.slice();
  for (const { at, value } of edits) copy[at % copy.length] = value;
  return copy;
}

/** Runs `load`; anything it throws must be one of `refusals`, on one line. */
function mustLoadOrRefuse(
  load: () => Disposable,
  refusals: readonly (abstract new (...args: never[]) => Error)[],
): void {
  try {
    load()[Symbol.dispose]();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (!refusals.some((each) => error instanceof each)) throw error;
    assert(!error.message.includes("\n"));
  }
}

kernelTest("instantiate() loads or refuses changed instructions, and leaks nothing", () => {
  const spec = fixture("tc.bpf.o");
  using template = prepare(spec, { only: NAMES });
  fc.assert(
    fc.property(
      fc.constantFrom(...NAMES),
      fc.array(edit, { minLength: 1, maxLength: 3 }),
      (name, edits) => {
        const original = spec.programs.get(name);
        assert(original);
        const mutant: ProgramSpec = cloneProgram(original);
        mutant.instructions = changed(original.instructions, edits);
        mustLoadOrRefuse(
          () => template.instantiate({ programs: { [name]: mutant } }),
          // A changed call may ask for a helper that no kernel has.
          [VerifierError, SyscallError, NotSupportedError],
        );
      },
    ),
    { numRuns: 60 },
  );
});

kernelTest("loadBtf() loads or refuses changed BTF, and leaks nothing", () => {
  const { kernelBtf } = fixture("tc.bpf.o");
  assert(kernelBtf);
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
      mustLoadOrRefuse(
        () => loadBtf(changed(kernelBtf, edits), "x.o"),
        [ObjectFormatError, SyscallError],
      );
    }),
    { numRuns: 60 },
  );
});
