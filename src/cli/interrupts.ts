/** Exit codes: 128 + the signal's number, as shells report it. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/** Signals that have been, or will be, turned into an orderly end. */
export interface Interrupts extends Disposable {
  /** The signal that came; SIGINT if none did. */
  caught(): keyof typeof SIGNALS;
  /** What a process that ends by it exits with. */
  exitCode(): typeof SIGNALS[keyof typeof SIGNALS];
}

/** Turns signals into an orderly end; a second one ends the process at once. */
export function catchInterrupts(stop: AbortController): Interrupts {
  let caught: keyof typeof SIGNALS = "SIGINT";
  const listeners = (["SIGINT", "SIGTERM"] as const).map((signal) => ({
    signal,
    listener: () => {
      if (stop.signal.aborted) Deno.exit(SIGNALS[signal]);
      caught = signal;
      stop.abort(new DOMException(`Interrupted by ${signal}`, "AbortError"));
    },
  }));
  for (const { signal, listener } of listeners) Deno.addSignalListener(signal, listener);
  return {
    caught: () => caught,
    exitCode: () => SIGNALS[caught],
    [Symbol.dispose]() {
      for (const { signal, listener } of listeners) Deno.removeSignalListener(signal, listener);
    },
  };
}
