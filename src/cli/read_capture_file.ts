/** More would not fit into one buffer on every machine. */
const MAX_FILE_BYTES = 2 ** 31 - 1;

/** How long a capture from a pipe may take to end once the user has asked for it. */
const LAST_WORDS_MS = 500;

/** Options of {@linkcode readStream}. */
export interface ReadStreamOptions {
  /** @default 2 GiB */
  readonly most?: number;
  /** Ends the capture: what is there within half a second is it. */
  readonly end?: AbortSignal;
}

/**
 * Reads a capture file, or standard input for `-`. What is wrong is told on standard error: one
 * file of many that cannot be read does not keep the others from being replayed.
 *
 * @param end Ends a capture from standard input, so that Ctrl-C shows what a live one holds.
 */
export async function readCaptureFile(
  path: string,
  end?: AbortSignal,
): Promise<Uint8Array | undefined> {
  try {
    if (path === "-") return await readStream(Deno.stdin.readable, end ? { end } : {});
    const { size } = await Deno.stat(path);
    if (size > MAX_FILE_BYTES) throw tooLarge(`${size} bytes`, MAX_FILE_BYTES);
    return await Deno.readFile(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const expected = cause instanceof RangeError ? "" : ", expected a capture";
    console.error(`Cannot read "${path}": ${reason}${expected}`);
    return undefined;
  }
}

/**
 * Reads a stream to its end.
 *
 * @throws {RangeError} If it is too long.
 */
export async function readStream(
  stream: ReadableStream<Uint8Array>,
  { most = MAX_FILE_BYTES, end }: ReadStreamOptions = {},
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = stream.getReader();
  using ended = endOf(end);
  while (true) {
    const read = await Promise.race([reader.read(), ended.promise]);
    if (read === undefined || read.done) break;
    length += read.value.length;
    if (length > most) throw tooLarge("more", most);
    chunks.push(read.value);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** Settles some time after a signal, so that who writes can finish. */
function endOf(signal: AbortSignal | undefined) {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const listener = () => timer = setTimeout(() => resolve(undefined), LAST_WORDS_MS);
  signal?.addEventListener("abort", listener);
  return {
    promise,
    [Symbol.dispose]() {
      signal?.removeEventListener("abort", listener);
      clearTimeout(timer);
    },
  };
}

function tooLarge(state: string, most: number): RangeError {
  const shown = most === MAX_FILE_BYTES ? "2 GiB" : `${most} bytes`;
  return new RangeError(`${state}, expected at most ${shown} (editcap -c makes parts)`);
}
