import type { Epoll } from "../sys/mod.ts";

/** What ends a wait before its time. */
export interface WaitOptions {
  /** Handles that stop the waiting when they are disposed; the wait adds its own and removes it. */
  readonly watches: Set<Disposable>;
  readonly signal: AbortSignal | undefined;
}

/** Settles when one of the descriptors is ready, the wait is stopped, or the signal aborts. */
export async function waitUntilReady(
  epoll: Epoll,
  fds: readonly number[],
  { watches, signal }: WaitOptions,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = () => resolve();
  using stack = new DisposableStack();
  for (const fd of fds) stack.use(epoll.watch(fd, done));
  const stop: Disposable = {
    [Symbol.dispose]: () => {
      stack.dispose();
      resolve();
    },
  };
  watches.add(stop);
  signal?.addEventListener("abort", done);
  try {
    await promise;
  } finally {
    signal?.removeEventListener("abort", done);
    watches.delete(stop);
  }
}
