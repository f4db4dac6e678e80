import { NotSupportedError } from "../errors.ts";
import { kernelFeatures } from "../features/kernel_features.ts";
import { helperSince, programTypeName, programTypeSince } from "../features/minimum_kernels.ts";
import type { ProgramSpec } from "../spec/collection_spec.ts";
import { ERRNO, type SyscallError } from "../sys/mod.ts";

const ACTION = "load program";

/** "unknown func bpf_x#1", "invalid func bpf_x#1": a helper that the verifier has never heard of. */
const UNKNOWN_HELPER = /(?:unknown|invalid) func (\w+)#(\d+)/;

/** Poisoned calls have numbers beyond any helper's. */
const LAST_HELPER = 10_000;

/**
 * What a program needs and the kernel lacks, if that is why it was refused: asked only after a
 * refusal. `log` is the verifier's, empty if it did not get that far.
 */
export function missingFeature(
  spec: ProgramSpec,
  cause: SyscallError,
  log: string,
): NotSupportedError | undefined {
  const [, name = "", id = ""] = UNKNOWN_HELPER.exec(log) ?? [];
  if (id !== "" && Number(id) < LAST_HELPER) {
    const since = helperSince(Number(id));
    const feature = name === "unknown" ? `helper #${id}` : `helper ${name}#${id}`;
    return new NotSupportedError(ACTION, spec.name, feature, since, { cause });
  }
  // The verifier only looks at programs of types that there are.
  if (log !== "" || cause.errno === ERRNO.EPERM) return undefined;
  if (kernelFeatures.programType(spec.type) !== "no") return undefined;
  const feature = `program type ${programTypeName(spec.type)}`;
  return new NotSupportedError(ACTION, spec.name, feature, programTypeSince(spec.type), { cause });
}
