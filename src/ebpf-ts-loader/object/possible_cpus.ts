import { readKernelText } from "./_kernel_files.ts";

let cached = 0;

/**
 * CPUs the kernel may ever bring up: how many values a per-CPU map element has. More than the
 * online ones where CPUs can be added.
 *
 * @example Usage
 * ```ts
 * import { possibleCpus } from "ebpf-ts-loader";
 * import { assert } from "@std/assert";
 * assert(possibleCpus() >= 1);
 * ```
 */
export function possibleCpus(): number {
  if (cached > 0) return cached;
  const path = "/sys/devices/system/cpu/possible";
  return cached = countCpus(readKernelText(path).trim(), path);
}

/** CPUs in a list such as `0-3,8`. */
export function countCpus(list: string, subject: string): number {
  return list.split(",").reduce((total, range) => {
    const [, first = "", last = first] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? [];
    const count = Number(last) - Number(first) + 1;
    if (first !== "" && count > 0) return total + count;
    throw new SyntaxError(`Cannot read "${subject}": "${list}", expected a list of CPUs`);
  }, 0);
}
