/** A descriptor that is open, and where it was made. */
export interface FdOrigin {
  /** The descriptor's number. */
  readonly fd: number;
  /** The stack of the `new Fd()` that owns it, innermost frame first. */
  readonly stack: string;
}

const recorders = new Set<FdOrigins>();

/**
 * Records where descriptors are made while it is not disposed; made by
 * {@linkcode recordFdOrigins}.
 *
 * @example Usage
 * ```ts
 * import { type FdOrigins, recordFdOrigins } from "ebpf-ts-loader/sys";
 * function report(origins: FdOrigins): string {
 *   return origins.open().map(({ fd, stack }) => `fd ${fd}\n${stack}`).join("\n");
 * }
 * using origins = recordFdOrigins();
 * console.log(report(origins));
 * ```
 */
export class FdOrigins implements Disposable {
  readonly #stacks = new Map<number, string>();

  /** @internal */
  opened(fd: number, stack: string): void {
    this.#stacks.set(fd, stack);
  }

  /** @internal */
  closed(fd: number): void {
    this.#stacks.delete(fd);
  }

  /** What was made since the recording began and is open still, oldest first. */
  open(): FdOrigin[] {
    return [...this.#stacks].map(([fd, stack]) => ({ fd, stack }));
  }

  /** Ends the recording; a second call does nothing. */
  [Symbol.dispose](): void {
    recorders.delete(this);
  }
}

/**
 * Begins to record the call stack of every descriptor that this package takes ownership of: a
 * debug mode to find a leak. A stack costs microseconds and memory until the descriptor closes;
 * without a recording there is no cost. A descriptor that changes owner counts as made anew.
 *
 * @example Usage
 * ```ts
 * import { Fd, open, recordFdOrigins } from "ebpf-ts-loader/sys";
 * import { assertEquals, assertMatch } from "@std/assert";
 * using origins = recordFdOrigins();
 * function leaky() {
 *   return new Fd(open("/dev/null"));
 * }
 * const leaked = leaky();
 * assertMatch(origins.open()[0]?.stack ?? "", /leaky/);
 * leaked[Symbol.dispose]();
 * assertEquals(origins.open(), []);
 * ```
 */
export function recordFdOrigins(): FdOrigins {
  const origins = new FdOrigins();
  recorders.add(origins);
  return origins;
}

/** Tells the recorders about a descriptor that has got an owner. */
export function fdOpened(fd: number): void {
  if (recorders.size === 0) return;
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 50;
  const [, , ...frames] = (new Error().stack ?? "").split("\n"); // "Error", and this function
  Error.stackTraceLimit = limit;
  for (const recorder of recorders) recorder.opened(fd, frames.join("\n"));
}

/** Tells the recorders about a descriptor that is closed or given away. */
export function fdClosed(fd: number): void {
  if (recorders.size === 0) return;
  for (const recorder of recorders) recorder.closed(fd);
}
